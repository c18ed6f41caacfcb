"""What the commands print: harmless, whole in a file, and quiet once nobody reads."""

import json
import sys

import pytest

from tenure.terminal import Progress, harmless, say, say_json, say_table, working
from tests.kit.pipes import run_without_reader

PRINTS = ["say('a')", "say(('a', 'bold'))", "say_json({'a': 1})", "say_table(['a'], [['1']])"]


@pytest.mark.slow
@pytest.mark.parametrize("call", PRINTS)
def test_when_the_reader_has_gone_a_command_goes_on_quietly_to_its_own_exit_code(call: str) -> None:
    code = f"import sys; from tenure.terminal import *; {call}; {call}; sys.exit(7)"
    assert run_without_reader([sys.executable, "-c", code]) == (7, "")


@pytest.mark.slow
def test_a_disk_that_is_full_is_no_reader_that_has_gone() -> None:
    code = "import sys; from tenure.terminal import say; sys.stdout = open('/dev/full', 'w'); say('a')"
    exit_code, told = run_without_reader([sys.executable, "-c", code])
    assert exit_code != 0
    assert "No space left on device" in told


def test_rows_stay_whole_where_no_terminal_bounds_them(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(["name", "reason"], [["林小雨", "long " * 100], ["b", "short"]])
    head, first, second = capsys.readouterr().out.splitlines()
    assert (head, second) == ("name    reason", "b       short")
    assert first == f"林小雨  {'long ' * 100}".rstrip()


def test_what_came_from_outside_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "\x1b[2J\x9b31m\u202e[red]"
    say_table(["a"], [[odd]])
    say_json({"a": odd})
    table, *document = capsys.readouterr().out.splitlines()[1:]
    assert (harmless(odd), table) == ("�[2J�31m�[red]", "�[2J�31m�[red]")
    assert "\x1b" not in "".join(document)
    assert json.loads("\n".join(document)) == {"a": odd}


def test_styles_and_signs_of_life_are_for_terminals_alone(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with working(lambda: f"{progress.done} done"):
        progress(3)
        say(("✓", "bold green"), " so it is")
    assert tuple(capsys.readouterr()) == ("✓ so it is\n", "")
