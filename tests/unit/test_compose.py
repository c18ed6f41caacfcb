"""compose.yaml: it fits the specification, and says nothing that the services do not know."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.runtime.settings import SECRETS, Settings, load
from tests.kit.cases import cases
from tests.kit.compose import COMPOSE, ROOT, SERVICES, health_check
from tests.kit.ports import free_port

OURS = {"subscription": "subscription_service", "notifier": "notifier_service", "ops": "tenure.ops"}
"""Container -> the module that it runs."""
OPERATIONS = ROOT / "docs" / "operations.md"


def given(name: str, tmp_path: Path) -> Settings:
    """The service's settings as it would read them; stand-ins for the secrets."""
    environment = dict(SERVICES[name]["environment"])
    for variable, path in environment.items():
        if variable.endswith("_FILE"):
            stand_in = tmp_path / Path(path).name
            stand_in.write_text("postgresql://a-secret-that-is-long-enough-for-HS256")
            environment[variable] = str(stand_in)
    return load(environment)


def published(name: str) -> Mapping[str, str]:
    """Port in the container -> address on the host."""
    return {port: f"{address}:{host}" for address, host, port in (one.split(":") for one in SERVICES[name]["ports"])}


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


async def exit_code_of_check(name: str, answer: Callable[..., Any]) -> int:
    """Run a container's health check against a server of ours that answers each connection like this."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        return await run_check(name, server.sockets[0].getsockname()[1])


async def run_check(name: str, port: int) -> int:
    """Exit code of the check, with this port in place of its own."""
    program, *arguments = health_check(SERVICES[name], port)
    python = sys.executable if program == "python" else program
    return await (await asyncio.create_subprocess_exec(python, *arguments, stderr=asyncio.subprocess.DEVNULL)).wait()


@pytest.mark.slow
def test_it_fits_the_compose_specification() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run([checker, "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"], check=True)


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_ones_that_the_service_takes(name: str, tmp_path: Path) -> None:
    assert given(name, tmp_path).kafka_bootstrap_servers == "kafka:9092"


@pytest.mark.parametrize("name", OURS)
def test_the_command_is_a_module_that_can_be_run(name: str) -> None:
    python, option, module = SERVICES[name]["command"]
    assert (python, option) == ("python", "-m")
    assert module == OURS[name]
    assert find_spec(f"{module}.__main__")


@pytest.mark.parametrize("name", OURS)
def test_ports_and_health_check_are_where_the_service_listens(name: str, tmp_path: Path) -> None:
    settings = given(name, tmp_path)
    assert settings.http_host == "0.0.0.0"
    assert list(published(name)) == [str(settings.http_port)]
    assert f"127.0.0.1:{settings.http_port}/ready" in SERVICES[name]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", OURS)
def test_commands_in_a_container_find_both_services_at_their_addresses_there(name: str, tmp_path: Path) -> None:
    settings = given(name, tmp_path)
    for service, url in (("notifier", settings.notifier_url), ("subscription", settings.subscription_url)):
        address = urlsplit(url or "")
        assert (address.hostname, address.port) == (service, given(service, tmp_path).http_port)


def test_the_links_in_mails_lead_to_the_notifier(tmp_path: Path) -> None:
    settings = given("notifier", tmp_path)
    assert urlsplit(settings.public_url).netloc == published("notifier")[str(settings.http_port)]


def test_mail_goes_to_mailpit(tmp_path: Path) -> None:
    settings = given("notifier", tmp_path)
    assert (settings.smtp_host, settings.smtp_port, settings.smtp_tls) == ("mailpit", 1025, "none")
    assert "mailpit" in SERVICES


def test_kafka_listens_where_services_and_host_look_for_it() -> None:
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert advertised == ["INSIDE://kafka:9092", f"HOST://{published('kafka')['29092']}"]


@cases("name", SERVICES)
def test_every_container_has_a_health_check_and_publishes_to_this_machine_only(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@cases("name", SERVICES)
def test_every_container_comes_back_after_a_restart_of_the_host(name: str) -> None:
    """`on-failure` would not do: what was not failing when the host went down stays down."""
    assert SERVICES[name]["restart"] == "unless-stopped"


@cases("name", SERVICES)
def test_the_log_of_every_container_is_rotated(name: str) -> None:
    logging = SERVICES[name]["logging"]
    assert logging["driver"] in ("local", "json-file")
    assert logging["options"].keys() == {"max-size", "max-file"}


def test_kafka_writes_no_log_of_the_garbage_collection_into_memory() -> None:
    assert "/opt/kafka/logs" in SERVICES["kafka"]["tmpfs"]
    assert "-loggc" not in SERVICES["kafka"]["environment"]["EXTRA_ARGS"]


@cases("name", SERVICES)
def test_health_is_looked_at_often_while_a_container_starts_and_seldom_from_then_on(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert seconds(check["start_interval"]) <= 2
    assert seconds(check["interval"]) >= 30
    assert seconds(check["timeout"]) < seconds(check["interval"])
    assert seconds(check["start_period"]) >= 60


@cases("name", SERVICES)
def test_no_health_check_starts_a_java_machine(name: str) -> None:
    assert not [word for word in SERVICES[name]["healthcheck"]["test"] if "java" in word or "kafka-" in word]


def test_a_service_starts_when_what_it_needs_is_healthy() -> None:
    needed = {name: SERVICES[name]["depends_on"] for name in OURS}
    assert {each["condition"] for parts in needed.values() for each in parts.values()} == {"service_healthy"}
    assert {name: set(parts) for name, parts in needed.items()} == {
        "subscription": {"kafka", "postgres"},
        "notifier": {"kafka", "postgres", "mailpit"},
        "ops": {"kafka"},
    }


def test_the_operations_page_is_given_no_database() -> None:
    assert not [name for name in SERVICES["ops"]["environment"] if "DATABASE" in name]
    assert SERVICES["ops"]["secrets"] == ["auth_secret"]
    assert SERVICES["ops"]["environment"]["TENURE_OPS_DATA_DIR"] in SERVICES["ops"]["volumes"][0].split(":")


@pytest.mark.slow
async def test_the_check_of_kafka_takes_a_broker_that_answers_for_healthy() -> None:
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(4))
        asked.append(await reader.readexactly(size))
        writer.write(b"\0\0\0\6\0\0\0\1\0\0")
        writer.close()

    assert await exit_code_of_check("kafka", answer) == 0
    assert asked == [b"\0\x12\0\0\0\0\0\1\xff\xff"]  # ApiVersions, version 0, correlation 1, no client id


@pytest.mark.slow
async def test_the_check_of_kafka_takes_one_that_accepts_and_never_answers_for_unhealthy() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(14)
        writer.close()

    assert await exit_code_of_check("kafka", close)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kafka", *OURS])
async def test_a_check_takes_a_port_where_nobody_listens_for_unhealthy(name: str) -> None:
    assert await run_check(name, free_port())


@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(("status", "healthy"), [("200 OK", True), ("503 Service Unavailable", False)])
async def test_the_check_of_a_service_goes_by_the_status_of_its_readiness(
    name: str, status: str, healthy: bool
) -> None:
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    assert (await exit_code_of_check(name, answer) == 0) is healthy
    assert asked == [b"GET /ready HTTP/1.1\r\n"]


@cases("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not service.keys() & {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"}


def test_nothing_but_volumes_and_memory_is_written_to() -> None:
    assert {name: each.get("volumes") for name, each in SERVICES.items() if each.get("volumes")} == {
        "kafka": ["kafka:/var/lib/kafka/data"],
        "postgres": ["postgres:/var/lib/postgresql"],
        "ops": ["ops:/var/lib/tenure"],
    }


def test_no_secret_stands_in_the_file() -> None:
    variables = {
        variable: value for each in SERVICES.values() for variable, value in each.get("environment", {}).items()
    }
    assert not variables.keys() & {f"TENURE_{name}" for name in SECRETS}
    assert not [variable for variable in variables if "PASSWORD" in variable and not variable.endswith("_FILE")]


def test_every_secret_that_is_read_is_given_and_the_other_way_round() -> None:
    for each in SERVICES.values():
        read = [Path(value).name for value in each.get("environment", {}).values() if value.startswith("/run/secrets/")]
        assert sorted(read) == sorted(each.get("secrets", ()))
    assert set(COMPOSE["secrets"]) == {secret for each in SERVICES.values() for secret in each.get("secrets", ())}


def test_the_command_in_the_document_makes_every_secret(tmp_path: Path) -> None:
    script = OPERATIONS.read_text("utf-8").partition("<!-- makes the secrets -->\n```sh\n")[2].partition("```")[0]
    subprocess.run(["sh", "-eu", "-c", script], cwd=tmp_path, check=True)
    made = {f"./{path.relative_to(tmp_path)}": path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert made.keys() == {secret["file"] for secret in COMPOSE["secrets"].values()}
    assert f":{made['./secrets/database_password']}@postgres:5432/tenure" in made["./secrets/database_url"]
    assert len(made["./secrets/auth_secret"]) >= 32
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_what_is_secret_reaches_neither_the_image_nor_the_repository() -> None:
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    kept_out, *let_in = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    assert kept_out == "*"
    assert "!secrets" not in let_in


def test_the_image_is_given_everything_that_it_is_built_from() -> None:
    let_in = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()}
    assert {"pyproject.toml", "requirements", "shared", "subscription_service", "notifier_service", "tenure"} <= let_in


def test_the_image_brings_what_sqlalchemy_needs_on_asyncio() -> None:
    locked = (ROOT / "requirements" / "run.lock").read_text("utf-8")
    assert "\ngreenlet==" in locked, 'name "sqlalchemy[asyncio]" in pyproject.toml, then `make lock`'
