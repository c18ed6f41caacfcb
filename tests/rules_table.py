"""The generated parts of the rule book (`docs/rules.md`): which tests prove each rule, and the catalog's tables.

Tests name the rules that they prove with `@pytest.mark.rule("R12")`. The marks are read from the sources with `ast`,
so no test module is imported. `tests/pages.py` puts the sections into the page.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from shared.contracts.reference import table
from shared.contracts.types import Edition, Feature
from subscription_service.domain.policy import Catalog, EditionCounts, FeatureRange, PriceList
from subscription_service.policy_files.catalog import load_catalog

TESTS: Final = Path(__file__).parent
RULES: Final = (*(f"R{number}" for number in range(1, 53)), *(f"G{number}" for number in range(1, 6)))
"""Every rule and guarantee of the book, in its order."""

_NOT_BUILT: Final = "**Not built yet.**\n"


class Proof(NamedTuple):
    """A test that proves a rule; `path` is relative to the repository, with `/`."""

    path: str
    test: str


def sections() -> Mapping[str, str]:
    """Name -> Markdown of every generated section of the page."""
    proven = proofs()
    catalog = load_catalog()
    return {
        **{f"tests of {rule}": links_to(proven.get(rule, ())) for rule in RULES},
        "editions of the catalog": _editions(catalog),
        "features of the catalog": _features(catalog),
    }


def proofs(tests: Path = TESTS) -> Mapping[str, Sequence[Proof]]:
    """Rule id -> the tests that carry its mark, in order of path and line."""
    found: dict[str, list[Proof]] = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        shown, text = path.relative_to(tests.parent).as_posix(), path.read_text("utf-8")
        for test, rules in _marked(ast.parse(text)) if ".rule(" in text else ():
            for rule in rules:
                found[rule].append(Proof(shown, test))
    return found


def links_to(proven: Sequence[Proof]) -> str:
    """A list that unfolds, one link per test; the test's name is the link's text."""
    if not proven:
        return _NOT_BUILT
    count = "1 test" if len(proven) == 1 else f"{len(proven)} tests"
    links = "".join(f"- [{_sentence(proof.test)}](../{proof.path})\n" for proof in proven)
    return f"<details><summary>{count}</summary>\n\n{links}\n</details>\n"


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """(test, rules) of each test; the marks of its module and of its class count too."""
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
    """The arguments of every `mark.rule(...)` in `nodes`."""
    calls = [each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Call)]
    marks = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "rule"]
    return [str(ast.literal_eval(argument)) for mark in marks for argument in mark.args]


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
    )


def _unique(rules: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(rules))


def _sentence(test: str) -> str:
    return test.rpartition(".")[2].removeprefix("test_").replace("_", " ")


def _editions(catalog: Catalog) -> str:
    rows = [_edition(edition, catalog.editions[edition], catalog.price_lists[0]) for edition in Edition]
    return table(("edition", "counts", f"{catalog.currency} per server", f"{catalog.currency} per core"), rows)


def _edition(edition: Edition, row: EditionCounts, prices: PriceList) -> tuple[str, ...]:
    counted = [name for name, counts in (("servers", row.counts_servers), ("cores", row.counts_cores)) if counts]
    server_price, core_price = prices.editions[edition]
    shown = (server_price if row.counts_servers else "–", core_price if row.counts_cores else "–")
    return edition.value, " and ".join(counted) or "neither", *map(str, shown)


def _features(catalog: Catalog) -> str:
    rows = [_feature(feature, catalog.features[feature], catalog.price_lists[0]) for feature in Feature]
    return table(("feature", "unit", "minimum", "step", "maximum", f"{catalog.currency} per unit"), rows)


def _feature(feature: Feature, allowed: FeatureRange, prices: PriceList) -> tuple[str, ...]:
    least = f"0 or {allowed.minimum}" if allowed.minimum else "0"
    most = "–" if allowed.maximum is None else str(allowed.maximum)
    return f"`{feature.value}`", allowed.unit, least, str(allowed.step), most, str(prices.features[feature])
