"""The documents: links lead somewhere, paths exist, the walk is in order, every dependency is explained."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.kit.cases import cases

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
NAMED = re.compile(r'<a id="([^"]+)"></a>')
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*[\w-])`")
NAME_IN = re.compile(r"`(?P<name>\w+)` in\s+`(?P<path>(?:[\w.-]+/)+[\w.-]+\.py)`")
SERVICES = ("shared", "subscription_service", "notifier_service")
PROGRAMS = (*SERVICES, "tenure")
OURS = (*PROGRAMS, "tests", "benchmarks", "docs")
SOURCES = (".py", ".md", ".toml", ".html", ".po", ".lock", ".txt")
STEP = re.compile(r"^(?P<number>\d+)\. \[(?P<shown>[^\]]+)\]\((?P<target>[^)]+)\) ", re.MULTILINE)


@cases("document", DOCUMENTS)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    broken = [target for target in LINK.findall(text_of(document)) if not leads_somewhere(document, target)]
    assert not broken


@cases("document", DOCUMENTS)
def test_every_path_that_is_named_exists(document: Path) -> None:
    named = [path for path in PATH.findall(text_of(document)) if path.split("/")[0] in OURS or path.endswith(SOURCES)]
    assert [path for path in named if not (ROOT / path).exists()] == []


@cases("document", DOCUMENTS)
def test_every_name_that_is_said_to_be_in_a_module_is_there(document: Path) -> None:
    named = [(match["name"], match["path"]) for match in NAME_IN.finditer(text_of(document))]
    assert [(name, path) for name, path in named if not re.search(rf"\b{name}\b", text_of(ROOT / path))] == []


def test_the_walk_names_existing_files_once_each_and_in_order() -> None:
    walk = text_of(README).partition("<!-- walk -->")[2].partition("<!-- end of walk -->")[0]
    steps = STEP.findall(walk)
    targets = [target for _, _, target in steps]
    assert len(steps) == len(walk.strip().splitlines())
    assert [int(number) for number, _, _ in steps] == list(range(1, len(steps) + 1))
    assert [shown for _, shown, _ in steps] == targets
    assert len(set(targets)) == len(targets)
    assert all((ROOT / target).is_file() for target in targets)


def test_the_two_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z]+)\b", text_of(README))) <= set(targets)


def test_every_dependency_is_explained_once() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    named = {match[0] for line in wanted if (match := re.match(r"[a-z0-9-]+", line))}
    rows = [line for line in text_of(ROOT / "docs" / "dependencies.md").splitlines() if line.startswith("| `")]
    explained = [name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])]
    assert sorted(explained) == sorted(named)


def test_decisions_are_numbered_without_a_gap_and_have_all_their_parts() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        parts = re.findall(
            r"^\*\*(Context|Decision|Consequences)\.\*\*|^\*\*(Look again)\*\*", text_of(record), re.MULTILINE
        )
        assert ["".join(part) for part in parts] == ["Context", "Decision", "Consequences", "Look again"], record.name


def test_every_alarm_is_explained_by_its_own_words() -> None:
    headings = re.findall(r'^\*\*"([^"]+)"', text_of(OPERATIONS), re.MULTILINE)
    explained = [[part.strip() for part in " ".join(heading.split()).split("…")] for heading in headings]
    messages = list(alarms())
    assert all(any(all(part in message for part in parts) for parts in explained) for message in messages), messages
    assert all(any(all(part in message for part in parts) for message in messages) for parts in explained), explained


def alarms() -> Iterator[str]:
    """The message of every `Alarm` that the code makes, also by `as_our_error`, without what is filled in."""
    texts = (text_of(path) for package in SERVICES for path in (ROOT / package).rglob("*.py"))
    trees = [ast.parse(text) for text in texts if re.search(r"\b(Alarm|as_our_error)\b", text)]
    ways_out = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Raise | ast.Return)]
    for call in (node.exc if isinstance(node, ast.Raise) else node.value for node in ways_out):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("Alarm", "as_our_error"):
            yield "".join(str(part.value) for part in ast.walk(call) if isinstance(part, ast.Constant))


def test_every_metric_is_explained_and_every_alert_is_about_one() -> None:
    sources = "".join(text_of(path) for package in PROGRAMS for path in (ROOT / package).rglob("*.py"))
    metrics = set(re.findall(r'(?:MetricFamily|Histogram|Counter|Gauge)\(\s*"(tenure_\w+)"', sources))
    assert metrics == set(re.findall(r"`(tenure_\w+)", text_of(OPERATIONS)))


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def leads_somewhere(document: Path, target: str) -> bool:
    """A link out of the repository is not followed."""
    if "://" in target or target.startswith("mailto:"):
        return True
    path, _, anchor = target.partition("#")
    there = (document.parent / path) if path else document
    return there.exists() and (not anchor or anchor in anchors(there))


@cache
def anchors(document: Path) -> set[str]:
    """Of its headings, as they are made on the usual hosts, and those that have a name of their own."""
    text = text_of(document)
    headings = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}
    return headings | set(NAMED.findall(text))
