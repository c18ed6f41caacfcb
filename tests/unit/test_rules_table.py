"""The rule book: every rule has a text, every rule has tests, and links lead to code that names the rule."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from shared.contracts.lifecycle_parts import RejectionCode
from subscription_service.policy_files.policy import PolicyFile
from tests.kit.cases import cases
from tests.pages import DOCS
from tests.rules_table import RULES, Proof, links_to, proofs

PAGE: Final = DOCS / "rules.md"
RULE: Final = re.compile(r'^### <a id="(?P<anchor>[rg]\d+)"></a>(?P<id>[RG]\d+) (?P<title>.+)$', re.MULTILINE)
CODE: Final = re.compile(r"^\*(?:Decided in|Held by)\* (?P<links>.+?\.)$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\(\.\./(?P<path>[^)]+)\)")
CITED: Final = re.compile(r"\b(?P<kind>[RG])(?P<first>\d+)(?:-[RG](?P<last>\d+))?")


def texts() -> Mapping[str, str]:
    """Rule id -> what stands below its heading."""
    page = PAGE.read_text("utf-8")
    headings = list(RULE.finditer(page))
    ends = [*(heading.start() for heading in headings[1:]), len(page)]
    return {heading["id"]: page[heading.end() : end] for heading, end in zip(headings, ends, strict=True)}


@pytest.fixture(scope="module")
def proven() -> Mapping[str, Sequence[Proof]]:
    return proofs()


def test_every_rule_has_one_heading_and_they_are_in_order() -> None:
    headings = [(match["anchor"], match["id"]) for match in RULE.finditer(PAGE.read_text("utf-8"))]
    assert headings == [(rule.lower(), rule) for rule in RULES]


@cases("rule", RULES)
def test_every_rule_has_a_text(rule: str) -> None:
    written = texts()[rule].partition("<!-- generated")[0].partition("*From:*")[0]
    assert len(written.split()) >= 8


@cases("rule", RULES)
def test_every_rule_has_tests(rule: str, proven: Mapping[str, Sequence[Proof]]) -> None:
    assert proven.get(rule)


@cases("rule", RULES)
def test_a_rule_links_only_to_code_that_names_it(rule: str) -> None:
    links = CODE.search(texts()[rule])
    paths = LINK.findall(links["links"]) if links else []
    assert paths
    assert [path for path in paths if rule not in cited(PAGE.parents[1] / path)] == []


def cited(path: Path) -> set[str]:
    """The rules that a module names; `R5-R11` names seven."""
    return {
        f"{match['kind']}{number}"
        for match in CITED.finditer(path.read_text("utf-8"))
        for number in range(int(match["first"]), int(match["last"] or match["first"]) + 1)
    }


def test_every_mark_names_a_rule_that_exists(proven: Mapping[str, Sequence[Proof]]) -> None:
    assert proven.keys() <= set(RULES)


def test_the_codes_of_a_refusal_stand_in_the_order_in_which_they_are_given() -> None:
    listed = re.findall(r"^\d+\. `([a-z_]+)`: (.+(?:\n   .+)*)$", texts()["R41"], re.MULTILINE)
    assert [code for code, meaning in listed if "not built yet" not in meaning] == [
        code.value for code in RejectionCode
    ]


def test_every_entry_of_the_policy_is_explained() -> None:
    page = PAGE.read_text("utf-8")
    assert [name for name in PolicyFile.model_fields if name != "version" and f"`{name}`" not in page] == []


def test_marks_of_a_module_and_of_a_class_count_for_every_test_in_it(tmp_path: Path) -> None:
    source = """
import pytest
pytestmark = [pytest.mark.rule("G1")]

class TestTerms:
    @pytest.mark.rule("R2", "G1")
    def test_one(self): ...

async def test_two(): ...
"""
    (tmp_path / "test_some.py").write_text(source)
    found = proofs(tmp_path)
    assert [proof.test for proof in found["G1"]] == ["TestTerms.test_one", "test_two"]
    assert [proof.test for proof in found["R2"]] == ["TestTerms.test_one"]


def test_a_rule_without_a_test_says_that_it_is_not_built() -> None:
    assert links_to([]) == "**Not built yet.**\n"


def test_the_tests_of_a_rule_are_links_with_the_tests_names() -> None:
    one = links_to([Proof("tests/unit/test_some.py", "TestTerms.test_a_term_ends")])
    assert "<summary>1 test</summary>" in one
    assert "- [a term ends](../tests/unit/test_some.py)\n" in one
