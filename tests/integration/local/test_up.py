"""`tenure up`: what works once it is ready, what it does when a process dies, and that it leaves nothing.

The two services are stand-ins (`stand_in.py`); Kafka, PostgreSQL and the mail server are the real ones.
"""

import asyncio
import os
import re
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import psutil
import pytest
from aiokafka.errors import KafkaError

from shared.contracts.topics import TOPICS
from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer
from tests.integration.local.running_up import READY, Up, alive, execute, get, topics_at
from tests.kit.waiting import PATIENCE

Launch = Callable[..., Up]
PIDS = {"pid": None, "pids": None}
"""What differs from start to start in the ready file."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # PostgreSQL runs as another user when the tests run as root.
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def outside(kafka: Kafka, database_url: str, mail_server: MailServer) -> Sequence[str]:
    """Options that take the parts of the test session in place of embedded ones."""
    return ["--kafka", kafka.bootstrap, "--database", database_url, "--smtp", mail_server.smtp]


@pytest.fixture
def launch(folder: Path) -> Iterator[Launch]:
    """Starts `tenure up` with these options; what still runs when the test ends is ended."""
    with ExitStack() as running:

        def launch_one(*options: str, **environment: str) -> Up:
            one = Up(folder, options, environment)
            running.callback(one.end)
            return one

        yield launch_one


@pytest.fixture
def up(launch: Launch, outside: Sequence[str], topic_prefix: str) -> Up:
    """A stack of two copies each, on outside parts."""
    running = launch(*outside, "--copies", "2", TENURE_TOPIC_PREFIX=topic_prefix)
    running.until(READY)
    return running


def test_the_ready_file_names_parts_that_work_and_another_start_finds_everything_again(
    launch: Launch, folder: Path
) -> None:
    options = ("--data", str(folder / "data"), "--test-clock", "2027-01-01T00:00:00Z")
    first = launch(*options)
    first.until(READY)
    document = first.document
    family = first.family()
    assert set(TOPICS) <= asyncio.run(topics_at(document["kafka"]))
    asyncio.run(execute(document["database_url"], "CREATE TABLE kept AS SELECT 7 AS id"))
    assert get(f"{document['mail_url']}/api/messages").json() == []
    told = get(document["notifier_url"]).json()
    assert (told["TENURE_TEST_CLOCK"], told["TENURE_SMTP_TLS"]) == ("2027-01-01T00:00:00Z", "none")
    assert f"{told['TENURE_SMTP_HOST']}:{told['TENURE_SMTP_PORT']}" == document["smtp"]
    assert told["TENURE_AUTH_SECRET"] == document["auth_secret"]
    name = told["TENURE_INSTANCE_ID"]
    assert len(document["auth_secret"]) >= 32
    assert stat.S_IMODE(first.ready_file.stat().st_mode) == 0o600
    assert (first.end(), first.ready_file.exists(), alive(family)) == (0, False, [])

    second = launch(*options)
    second.until(READY)
    assert {**second.document, **PIDS} == {**document, **PIDS}
    assert get(document["notifier_url"]).json()["TENURE_INSTANCE_ID"] == name
    assert asyncio.run(execute(document["database_url"], "SELECT id FROM kept")) == 7
    assert second.end(signal.SIGTERM) == 0


def test_an_embedded_part_that_is_killed_runs_again_on_its_port_and_nothing_outlives_the_supervisor(
    launch: Launch, folder: Path
) -> None:
    running = launch()
    running.until(READY)
    for name in ("postgres", "mail", "kafka"):
        pid = re.search(rf"{name} is ready \(pid (\d+)\)", running.output)
        assert pid is not None
        os.kill(int(pid[1]), signal.SIGKILL)
        assert "SIGKILL" in running.until(f"{name} (pid {pid[1]}) ended")
        running.until(f"{name} runs again")
    document, family = running.document, running.family()
    eventually(lambda: asyncio.run(execute(document["database_url"], "SELECT 1")) == 1)
    eventually(lambda: get(f"{document['mail_url']}/api/messages").json() == [])
    eventually(lambda: set(TOPICS) - {"test-clock", "test-clock-settled"} <= asyncio.run(topics_at(document["kafka"])))
    running.end(signal.SIGKILL)
    assert (len(family) >= 5, alive(family)) == (True, [])
    assert list(folder.glob("tenure-*")) == []


@pytest.mark.parametrize("whole", [False, True], ids=["the supervisor alone", "every process"])
def test_after_kill_9_of_the_stack_a_start_1_3_s_later_waits_for_what_is_ending_and_finds_everything(
    launch: Launch, folder: Path, *, whole: bool
) -> None:
    options = ("--data", str(folder / "data"))
    first = launch(*options)
    first.until(READY)
    document, family = first.document, first.family()
    asyncio.run(execute(document["database_url"], "CREATE TABLE kept AS SELECT 7 AS id"))
    first.process.kill()
    for process in family if whole else ():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    first.ended()
    time.sleep(1.3)
    second = launch(*options)
    second.until(READY)
    assert {**second.document, **PIDS} == {**document, **PIDS}
    assert asyncio.run(execute(document["database_url"], "SELECT id FROM kept")) == 7
    assert second.end() == 0


@pytest.mark.parametrize("name", [" Größe  😀\n a,b=c#d!e:f ", 'quote\'s "and" \\ back'])
def test_a_data_folder_of_any_name_holds_all_data_that_nobody_else_may_read(
    launch: Launch, folder: Path, name: str
) -> None:
    """Whatever the umask: here it lets everybody read and write."""
    data = folder / name
    before = os.umask(0)
    try:
        running = launch("--data", str(data))
        running.until(READY)
    finally:
        os.umask(before)
    assert running.end() == 0
    assert (data / "kafka" / "data" / "meta.properties").exists()
    assert (data / "postgres" / "data" / "PG_VERSION").exists()
    assert {each.name for each in folder.iterdir()} == {name}
    assert [str(each) for each in (data, *data.rglob("*")) if each.stat().st_mode & 0o077] == []


def test_the_services_log_in_without_superuser_and_no_password_is_on_the_screen(launch: Launch) -> None:
    running = launch()
    running.until(READY)
    url = running.document["database_url"]
    assert (
        asyncio.run(execute(url, "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"))
        is False
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(execute(url, "SELECT pg_read_file('/etc/passwd')"))
    password = url.partition("@")[0].rpartition(":")[2]
    assert (len(password) > 20, password in running.output, "postgresql://tenure@" in running.output) == (
        True,
        False,
        True,
    )


def test_every_address_that_is_printed_answers_and_it_is_said_that_everything_is_forgotten(up: Up) -> None:
    assert "everything is forgotten at the end; --data DIR keeps it" in up.output
    printed = re.findall(r"^  (\S+) +(\S+)$", up.output, re.MULTILINE)
    assert [name for name, _ in printed] == ["Kafka", "PostgreSQL", "SMTP", "subscription", "notifier"]
    for _, address in printed:
        where = urlsplit(address if "://" in address else f"//{address}")
        with socket.create_connection((where.hostname, where.port), timeout=PATIENCE):
            pass
        if where.scheme.startswith("http"):
            get(address)


def seconds_until_it_runs_again(up: Up, name: str) -> float:
    """Kill this copy and wait until it is said that it runs again, with the new id in the ready file."""
    service, _, number = name.partition("-")
    pid = up.document["pids"][service][int(number) - 1]
    died = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    line = up.until(f"{name} runs again")
    took = time.monotonic() - died
    assert f"(pid {pid}) ended (SIGKILL)" in up.output
    eventually(lambda: f"(pid {up.document['pids'][service][int(number) - 1]})" in line)
    return took


def test_a_service_that_dies_runs_again_within_a_second_and_the_ready_file_tells_its_new_pid(up: Up) -> None:
    pids = up.document["pids"]
    assert min(seconds_until_it_runs_again(up, "notifier-2") for _ in range(3)) < 1
    assert up.document["pids"]["subscription"] == pids["subscription"]
    assert up.document["pids"]["notifier"][0] == pids["notifier"][0]


def test_each_copy_has_a_name_of_its_own_which_it_keeps_when_it_runs_again(up: Up) -> None:
    pid, before = up.document["pids"]["notifier"][1], names_of_copies(up)
    assert len(set(before)) == len(before) == 4
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: up.document["pids"]["notifier"][1] != pid)
    assert names_of_copies(up) == before


def names_of_copies(up: Up) -> list[str]:
    """`TENURE_INSTANCE_ID` of every copy of both services."""
    pids = [pid for service in ("subscription", "notifier") for pid in up.document["pids"][service]]
    return [psutil.Process(pid).environ()["TENURE_INSTANCE_ID"] for pid in pids]


def test_ctrl_c_ends_everything_with_exit_code_0(up: Up, folder: Path) -> None:
    family = up.family()
    assert len(family) == 5  # two of each, and the one that sweeps the folder
    assert (up.end(), alive(family)) == (0, [])
    assert list(folder.glob("tenure-*")) == []


def test_when_its_terminal_is_closed_everything_ends_in_order(up: Up, folder: Path) -> None:
    family = up.family()
    assert up.process.stdout is not None
    up.process.stdout.close()
    assert (up.end(signal.SIGHUP), alive(family)) == (0, [])
    assert (list(folder.glob("tenure-*")), up.ready_file.exists()) == ([], False)


def test_a_service_that_cannot_start_ends_everything_with_the_end_of_its_log(
    launch: Launch, folder: Path, outside: Sequence[str]
) -> None:
    failing = launch(*outside, TENURE_LOG_LEVEL="error")
    failing.until("the stand-in was told to fail")
    assert (failing.ended(), failing.ready_file.exists()) == (1, False)
    assert list(folder.glob("tenure-*")) == []


def test_a_setting_that_the_services_would_refuse_is_refused_before_they_start(
    launch: Launch, outside: Sequence[str]
) -> None:
    refused = launch(*outside, TENURE_COLOUR="red")
    assert refused.ended() == 1
    assert "Unknown setting TENURE_COLOUR" in refused.output
    assert "starting subscription" not in refused.output


def test_two_stacks_never_share_a_folder(
    launch: Launch, folder: Path, outside: Sequence[str], topic_prefix: str
) -> None:
    options = (*outside, "--data", str(folder / "data"))
    first = launch(*options, TENURE_TOPIC_PREFIX=topic_prefix)
    first.until(READY)
    second = launch(*options, TENURE_TOPIC_PREFIX=topic_prefix)
    assert second.ended() == 1
    assert "is in use by another `tenure up`" in second.output
    assert first.end() == 0


@pytest.mark.parametrize("option", ["--data", "--ready-file"])
def test_a_place_that_cannot_be_had_is_told_in_a_sentence(
    launch: Launch, folder: Path, outside: Sequence[str], option: str
) -> None:
    taken = folder / "taken"
    taken.mkdir() if option == "--ready-file" else taken.touch()
    refused = launch(*outside, option, str(taken))
    assert refused.ended() == 1
    assert refused.lines[-1].startswith("tenure up: ")
    assert str(taken) in refused.lines[-1]
    assert list(folder.glob("tenure-*")) == []


def eventually(holds: Any) -> None:
    """Ask again until it holds; a part that was killed needs its moment. Fails after 30 s."""
    deadline = time.monotonic() + 30
    while True:
        try:
            if holds():
                return
            problem: object = "it does not hold"
        except (OSError, KafkaError, httpx.HTTPError, asyncpg.PostgresError, ValueError) as error:
            problem = error
        assert time.monotonic() < deadline, problem
