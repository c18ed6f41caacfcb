"""Which tests prove which rule: `docs/rules.md`, generated from the marks `@pytest.mark.rule("R12")`.

The marks are read from the source with `ast`, so nothing is imported and nothing runs.
`python -m tests.rules_table --write` puts the document in its place, `--check` ends with 1 when it is not current.
"""

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

TESTS: Final = Path(__file__).parent
DOCUMENT: Final = TESTS.parent / "docs" / "rules.md"

RULES: Final[Mapping[str, str]] = {
    "R1": "The anchor day is the day of the purchase; no E ever drifts from it",
    "R2": "The first term starts at the purchase's instant",
    "R3": "Durations of 1–12, 24 and 36 months; cycles of 1, 3 and 12",
    "R4": "Timers that are due run before an event is decided, in the order of their instants",
    "R5": "A purchase activates, when nothing is active or in grace",
    "R6": "The terms of service must be accepted",
    "R7": "Which quota counts in which edition",
    "R8": "Full protection covers every registered server and core",
    "R9": "Partial protection asks nothing of the inventory and begins with nothing bound",
    "R10": "Value-added features keep minimum, step and maximum",
    "R11": "Automatic renewal can be switched on in the purchase",
    "R12": "A subscription can be renewed from activation until release",
    "R13": "A renewal as is appends a term behind the last one",
    "R14": "A renewal in full mode must still cover the inventory",
    "R15": "A renewal with change takes effect when its term starts",
    "R16": "The bounds of a new specification; from full to partial, never back",
    "R17": "No change while a renewal order is pending",
    "R18": "The overview shows the term in force, the order list every order",
    "R19": "A change outside renewal takes effect at once and states the price difference",
    "R20": "The fee is deducted at 08:00 on E − 9 days",
    "R21": "Enabling takes effect at the next midnight",
    "R22": "Automatic renewal cannot be enabled on E − 1 or later",
    "R23": "A renewal before the deduction moves the next deduction",
    "R24": "A deduction is all or nothing, with one coupon at the most",
    "R25": "A balance that is short: nothing is deducted, and it is tried again",
    "R26": "Automatic renewal is not blocked by the inventory",
    "R27": "Automatic renewal keeps the specification, at the price in force",
    "R28": "Disabling takes effect at once; declining leaves one reminder",
    "R29": "Reminders come at 10:00, for what is still to expire on E",
    "R30": "A reminder states days left, a quote, obstacles and how automatic renewal stands",
    "R31": "At the end of the last term protection ends and grace begins",
    "R32": "Everything is retained in grace and comes back with a renewal",
    "R33": "Quota that is exceeded is announced once, and so is its end",
    "R34": "A warning comes one day before release",
    "R35": "Release deletes the retained configuration and leaves the inventory",
    "R36": "Servers are bound within the purchased quota; what is bound stays bound",
    "R37": "Any order of arrival of inventory ends the same",
    "R38": "Facts may arrive before any purchase",
    "R39": "The same event or id a second time changes nothing",
    "R40": "What needs a purchase waits for it for a while",
    "R41": "A refusal changes nothing and says the first reason that applies",
    "G1": "Each event in takes effect exactly once",
    "G2": "Each lifecycle event is published exactly once, in order, without a gap",
    "G3": "Internal messages exactly once; no email is lost",
    "G4": "Nothing is dropped in silence; the figures add up",
    "G5": "With broker, database or mail relay away the services wait and catch up",
}
"""Id -> the rule in one line."""

_HEAD: Final = """\
# Rules and the tests that prove them

Generated from the tests' marks by `python -m tests.rules_table --write`; do not edit. R are the rules by which the
subscription service decides, G the guarantees of the whole.

| rule | what it says | tests |
|---|---|---|
"""


class Proof(NamedTuple):
    """A test that proves a rule; `path` is relative to the repository, with `/`."""

    path: str
    test: str


def proofs(tests: Path = TESTS) -> Mapping[str, Sequence[Proof]]:
    """Rule id -> the tests that carry its mark, in order of path and line."""
    found: dict[str, list[Proof]] = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        shown = path.relative_to(tests.parent).as_posix()
        for test, rules in _marked(ast.parse(path.read_text("utf-8"))):
            for rule in rules:
                found[rule].append(Proof(shown, test))
    return found


def document(proven: Mapping[str, Sequence[Proof]]) -> str:
    """`docs/rules.md`; rules that are not in `RULES` come last, so that a slip of the pen shows."""
    rows = [f"| {rule} | {RULES.get(rule, '?')} | {_cell(proven.get(rule, ()))} |\n" for rule in _ordered(proven)]
    return _HEAD + "".join(rows)


def main(arguments: Sequence[str]) -> int:
    """Write, or check; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.rules_table", description="Rules and their tests.")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    task.add_argument("--check", action="store_true", help="1 when it is not current")
    wanted = document(proofs())
    if parser.parse_args(arguments).write:
        DOCUMENT.write_text(wanted, "utf-8")
        return 0
    return int(not is_current(wanted))


def is_current(wanted: str) -> bool:
    """Whether the document that stands is the one that is wanted."""
    return DOCUMENT.exists() and DOCUMENT.read_text("utf-8") == wanted


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """(test, rules) of each test, with what its module and its class are marked with."""
    whole = [rule for node in tree.body if _is_pytestmark(node) for rule in _rules_in([node])]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            shared = [*whole, *_rules_in(node.decorator_list)]
            yield from ((f"{node.name}.{name}", _unique([*shared, *own])) for name, own in _tests(node.body))
    yield from ((name, _unique([*whole, *own])) for name, own in _tests(tree.body))


def _tests(body: Sequence[ast.stmt]) -> Iterator[tuple[str, list[str]]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name, _rules_in(node.decorator_list)


def _rules_in(nodes: Sequence[ast.AST]) -> list[str]:
    """The arguments of every `mark.rule(...)` in there."""
    calls = [each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Call)]
    marks = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "rule"]
    return [str(ast.literal_eval(argument)) for mark in marks for argument in mark.args]


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
    )


def _unique(rules: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(rules))


def _ordered(proven: Mapping[str, Sequence[Proof]]) -> list[str]:
    return [*RULES, *sorted(proven.keys() - RULES.keys())]


def _cell(tests: Sequence[Proof]) -> str:
    """Links by name; the name is the sentence."""
    return "<br>".join(f"[{_sentence(proof.test)}](../{proof.path})" for proof in tests)


def _sentence(test: str) -> str:
    return test.rpartition(".")[2].removeprefix("test_").replace("_", " ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
