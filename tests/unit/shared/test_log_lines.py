"""The lines of the log: all in the tables of `log_lines`, each used with its own fields, each in docs/operations.md."""

import ast
import importlib
import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier_service.log_lines import without_words
from shared.runtime.log_lines import LogLine, trace_id
from tests.kit.cases import cases

ROOT = Path(__file__).parents[3]
TABLES = (
    *("shared.runtime.log_lines", "subscription_service.log_lines", "notifier_service.log_lines"),
    "tenure.ops.log_lines",
)
SOURCES = [
    *(
        path
        for package in ("shared", "subscription_service", "notifier_service", "tenure/ops")
        for path in (ROOT / package).rglob("*.py")
    )
]
LINES = {
    name: value
    for table in TABLES
    for name, value in vars(importlib.import_module(table)).items()
    if isinstance(value, LogLine)
}
ROW = re.compile(r"^\| `(?P<kind>[a-z_]+)` \| (?P<level>[a-z, ]+) \|(?P<fields>[^|]*)\| [^|]+ \|$", re.MULTILINE)
SAID = re.compile(r"[A-Z]\.(say|of)\(")
OF_ITS_OWN = ("shared/runtime/log_lines.py", "shared/runtime/logging.py", "shared/runtime/line_limit.py")


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Place, name of the line, and names of the values, wherever a line is said or made."""
    for path in SOURCES:
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if SAID.search(text) else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("say", "of"):
                name = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                if name.isupper():
                    yield f"{path}:{node.lineno}", name, {each.arg for each in node.keywords if each.arg}


def test_every_line_is_said_with_fields_of_its_own() -> None:
    known = LINES | {"SETTLED": LINES["TEST_CLOCK_SETTLED"]}
    wrong = [(place, name) for place, name, given in calls() if not given <= set(known[name].fields)]
    assert wrong == []


def test_every_line_is_used() -> None:
    words = Counter(word for path in SOURCES for word in re.findall(r"\w+", path.read_text("utf-8")))
    assert [name for name in LINES if words[name] < 2] == []


def test_nothing_writes_to_the_log_past_these_lines() -> None:
    """Neither by a logger of its own nor to standard error; the alarm at a start is told before there is a log."""
    for path in SOURCES:
        name, text = str(path.relative_to(ROOT)), path.read_text("utf-8")
        if name not in OF_ITS_OWN:
            assert "getLogger" not in text, name
            assert "logger." not in text, name
        if name not in ("shared/runtime/process.py", "shared/runtime/logging.py"):
            assert "sys.stderr" not in text, name
            assert not re.search(r"\bprint\(", text), name


def test_the_document_lists_every_line_with_its_levels_and_fields() -> None:
    section = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("## The log\n")[2].partition("\n## ")[0]
    listed = {
        kind: (set(levels.split(", ")), set(re.findall(r"`(\w+)`", fields)))
        for kind, levels, fields in ROW.findall(section)
    }
    expected: dict[str, tuple[set[str], set[str]]] = {}
    for line in LINES.values():
        levels, fields = expected.setdefault(line.kind, (set(), set()))
        levels.add(logging.getLevelName(line.level).lower())
        fields.update(line.fields)
    assert listed == expected


@pytest.mark.parametrize(
    ("traceparent", "trace"),
    [(None, None), ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c")],
)
def test_the_trace_id_is_the_second_part_of_traceparent(traceparent: str | None, trace: str | None) -> None:
    assert trace_id(traceparent) == trace


@cases(
    ("reason", "code"),
    [
        ("550 5.1.1 Ada is unknown", "550 5.1.1"),
        ("550 Ada is unknown", "550"),
        ("550 5.1.1", "550 5.1.1"),
        ("550", "550"),
        ("550 5.1.1Ada", "550"),
        ("[address] 5.1.1 Ada is unknown", "a reply"),
        ("internal_error", "internal_error"),
        ("the connection broke (at the final dot)", "the connection broke (at the final dot)"),
    ],
)
def test_of_a_relays_reply_only_its_codes_are_logged(reason: str, code: str) -> None:
    assert without_words(reason) == code
