"""The command line itself: the table of commands, hints for what was mistyped, and failures in one sentence."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import jwt
import pytest

from tenure.__main__ import main
from tenure.command_line import COMMANDS
from tests.kit.cases import cases
from tests.kit.pipes import run_without_reader

SECRET = "0123456789abcdef0123456789abcdef"
TENURE = [sys.executable, "-m", "tenure"]
EVERY = [*([name] for name in COMMANDS if name != "dead-letters"), *(["dead-letters", one] for one in ("list", "show"))]


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No ready file and no setting of Tenure."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TENURE_")]:
        monkeypatch.delenv(name)


def test_no_command_is_a_question_for_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f" {name} " in told for name in COMMANDS)


def test_the_version_is_that_of_the_installed_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tenure {version('tenure')}\n"


@cases("command", EVERY)
def test_every_command_explains_itself(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    assert f"Usage: tenure {' '.join(command)}" in capsys.readouterr().out


@cases(
    ("arguments", "sentence"),
    [
        (["tokn", "a"], "tenure: there is no command 'tokn'; did you mean 'token'?"),
        (["token"], "tenure token: Missing argument 'ACCOUNT'."),
        (["token", "a", "--oprator"], "tenure token: No such option: --oprator; did you mean --operator?"),
        (["token", ""], "tenure token: Invalid value for 'ACCOUNT': '': expected an account id"),
        (["why", ""], "tenure why: Invalid value for 'ACCOUNT': '': expected an account id"),
        (["account", "a/b", "--export"], "tenure account: Invalid value for 'ACCOUNT': 'a/b': expected an account id"),
        (["why", "a", "b"], "tenure why: Got unexpected extra argument(s) (b)"),
        (["dead-letters"], "tenure dead-letters: Missing command."),
        (["dead-letters", "lst"], "tenure dead-letters: No such command 'lst'. Did you mean 'list'?"),
        (["dead-letters", "list", "--reason", "bad"], "tenure dead-letters list: Invalid value for '--reason': 'bad'"),
        (["up", "--copies", "0"], "tenure up: Invalid value for '--copies': "),
        (
            ["accounts", "--csv", "--json"],
            "tenure accounts: Invalid value for '--json': expected only one of",
        ),
        (
            ["forecast", "--json", "--csv"],
            "tenure forecast: Invalid value for '--csv': expected only one of",
        ),
        (["why", "--json", "--csv"], "tenure why: Invalid value for '--csv': expected only one of --json and --csv"),
        (["import", "a.csv", "--check", "--report", "b"], "tenure import: Invalid value: --check sends nothing"),
        (
            ["mails", "preview", "expired", "--send-to", "a@b.c", "--out", "d"],
            "tenure mails preview: Invalid value: --send",
        ),
        (
            ["debit", "a", "5", "--reason", "x\udcff"],
            "tenure debit: Invalid value for '--reason': expected text in UTF-8",
        ),
        (["up", "--data", "x\udcff"], "tenure up: Invalid value for '--data': expected text in UTF-8"),
        (
            ["accounts", "--edition", "x\udcff"],
            "tenure accounts: Invalid value for '--edition': expected text in UTF-8",
        ),
        (["accounts", "--expires-to", "\udcff"], "tenure accounts: Invalid value for '--expires-to': expected text in"),
        (
            ["extend", "--expires-from", "\udcff", "--days", "1", "--reason", "x"],
            "tenure extend: Invalid value for '--expires-from': expected text in UTF-8",
        ),
        (
            ["extend", "a", "--expected", "\udcff", "--days", "1", "--reason", "x"],
            "tenure extend: Invalid value for '--expected': expected text in UTF-8",
        ),
        (
            ["mails", "show", "\udcff"],
            "tenure mails show: Invalid value for 'NOTIFICATION': '\\udcff': expected an id, 1",
        ),
        (
            ["mails", "resend", "", "--yes"],
            "tenure mails resend: Invalid value for 'NOTIFICATION': '': expected an id, 1",
        ),
        (
            ["debit", "a", "5", "--id", "", "--reason", "x"],
            "tenure debit: Invalid value for '--id': '': expected an id, 1",
        ),
        (
            ["revoke-coupon", "a", "c c", "--reason", "x"],
            "tenure revoke-coupon: Invalid value for 'COUPON': 'c c': expected an id, 1",
        ),
        (
            ["cancel-renewal", "a", "ö", "--reason", "x"],
            "tenure cancel-renewal: Invalid value for 'ORDER': 'ö': expected an id, 1",
        ),
        (
            ["accounts", "--expires-from", "2027-01-02", "--expires-to", "2027-01-01"],
            "tenure accounts: Invalid value: --expires-from 2027-01-02 is after --expires-to 2027-01-01",
        ),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused_with_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2
    out, told = capsys.readouterr()
    assert (out, told.count("\n")) == ("", 1)
    assert told.startswith(sentence)


@pytest.mark.parametrize(
    "command", [["mails", "resend", "ntf-1"], ["extend", "--cohort", "c", "--days", "1", "--reason", "x"]]
)
def test_who_acts_has_to_be_said_where_the_system_has_no_name_for_its_user(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 9)
    monkeypatch.setenv("TENURE_AUTH_SECRET", SECRET)
    monkeypatch.setenv("TENURE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("TENURE_SUBSCRIPTION_URL", "http://127.0.0.1:1")
    assert main([*command, "--yes"]) == 2
    assert "the system's user has no name: say with --operator who does it" in capsys.readouterr().err


@pytest.mark.slow
def test_names_and_options_are_completed() -> None:
    def completed(words: str) -> list[str]:
        asked = {"_TENURE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = subprocess.run(TENURE, env=os.environ | asked, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("tenure de") == ["demo", "debit", "dead-letters"]
    assert completed("tenure dead-letters list --re") == ["--reason", "--ready-file"]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["up", "--help"], ["token", "a"]])
def test_nothing_is_said_about_a_reader_that_has_gone(arguments: list[str]) -> None:
    environment = {**os.environ, "TENURE_AUTH_SECRET": SECRET}
    code, told = run_without_reader([*TENURE, *arguments], environment=environment)
    assert (code in (0, 1), told) == (True, "")


def test_an_unknown_command_is_refused_with_the_list_of_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upp"]) == 2
    told = capsys.readouterr().err
    assert ("there is no command 'upp'" in told, "dead-letters" in told) == (True, True)


@pytest.mark.slow
def test_a_command_of_the_local_stack_says_what_is_missing_where_only_the_services_are_installed() -> None:
    without = "import sys; sys.modules['psutil'] = None; from tenure.__main__ import main; sys.exit(main(['up']))"
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "tenure up: psutil is not installed here; the extra `local` brings it\n",
    )


def test_publishing_without_knowing_where_says_how_to_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "events"
    file.write_text(json.dumps({"type": "tenure.renewal.declined.v1", "data": {"account_id": "acc-1"}}))
    assert main(["publish", str(file)]) == 1
    assert (
        "TENURE_KAFKA_BOOTSTRAP_SERVERS is not set, and .tenure/ready.json does not tell it" in capsys.readouterr().err
    )


@pytest.mark.parametrize("content", ["{broken", "[]", None])
def test_a_ready_file_that_is_none_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    ready = tmp_path / "ready.json"
    ready.mkdir() if content is None else ready.write_text(content)
    assert main(["token", "acc-1", "--ready-file", str(ready)]) == 1
    assert capsys.readouterr().err == f"tenure token: {ready} is no ready file of `tenure up`.\n"


def test_a_token_is_signed_with_the_secret_of_the_ready_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENURE_AUTH_SECRET", "x" * 32)
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps({"auth_secret": SECRET}))
    assert main(["token", "acc-1", "--operator", "--ready-file", str(ready)]) == 0
    claims = jwt.decode(capsys.readouterr().out.strip(), SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("acc-1", "operator", 3600)


def test_a_token_without_operator_has_no_scope(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENURE_AUTH_SECRET", SECRET)
    assert main(["token", "acc-1"]) == 0
    assert "scope" not in jwt.decode(capsys.readouterr().out.strip(), SECRET, algorithms=["HS256"])


@pytest.mark.parametrize("command", [["token", "a"], ["why", "a"]])
@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ("short", "TENURE_AUTH_SECRET: at least 32 bytes are needed for HS256."),
        (
            '{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0"}',
            "TENURE_AUTH_SECRET: a secret for HS256 is needed, not a key",
        ),
    ],
)
def test_nothing_is_signed_with_a_secret_that_the_services_refuse(
    command: list[str], secret: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENURE_AUTH_SECRET", secret)
    assert main(command) == 1
    assert capsys.readouterr().err.startswith(f"tenure {command[0]}: {sentence}")


def test_a_token_can_be_had_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TENURE_AUTH_SECRET", SECRET)
    assert main(["token", "acc-1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document.keys() == {"token", "expires_in_seconds"}
    assert jwt.decode(document["token"], SECRET, algorithms=["HS256"])["sub"] == "acc-1"


def test_a_file_that_is_not_there_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", "nowhere.jsonl"]) == 1
    assert capsys.readouterr().err == "tenure publish: nowhere.jsonl: No such file or directory\n"


@pytest.mark.slow
def test_a_terminal_that_lacks_a_letter_is_shown_its_number() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*TENURE, "mails", "preview", "expired", "--locale", "en", "--out", "Größe"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, "Gr\\xf6\\xdfe" in done.stdout) == (0, "", True)


def test_trying_files_without_events_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENURE_AUTH_SECRET", SECRET)
    monkeypatch.setenv("TENURE_SUBSCRIPTION_URL", "http://127.0.0.1:1")
    (tmp_path / "events.jsonl").write_text("\n")
    assert main(["try", "events.jsonl"]) == main(["try", "events.jsonl", "--json"]) == 0
    assert capsys.readouterr().out == "no events: nothing was tried\n[]\n"


def test_a_closed_standard_input_answers_nothing_and_holds_no_events(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENURE_AUTH_SECRET", SECRET)
    monkeypatch.setenv("TENURE_SUBSCRIPTION_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["mails", "resend", "ntf-1"]) == 1
    assert "nothing was sent; --yes sends without asking" in capsys.readouterr().err
    assert main(["try", "-"]) == 0
    assert capsys.readouterr().out == "no events: nothing was tried\n"
