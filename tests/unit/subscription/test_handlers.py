"""The registry of events in: it has what the contracts publish, and what it says of a type fits the type."""

from dataclasses import fields

import pytest

from shared.contracts.topics import RENEWALS, TEST_CLOCK, read_by
from subscription_service.domain import decide, facts
from subscription_service.handlers import CONTRACTS, REGISTRY, EventType
from tests.kit.cases import cases

ROWS = [(topic, name, row) for topic, types in REGISTRY.items() for name, row in types.items()]
DECIDED = [row.contract for topic, _, row in ROWS if topic != TEST_CLOCK]
UNIQUE_IDS = {"order_id", "entry_id", "coupon_id", "import_id", "extension_id"}
SPEND_NONE = {"tenure.coupon.revoked.v1", "tenure.renewal.cancelled.v1"}
"""Types that name another event's id."""


def test_it_reads_what_the_topics_are_published_with() -> None:
    assert read_by("subscription") == CONTRACTS


@pytest.mark.rule("R39")
@cases(("name", "row"), [(name, row) for _, name, row in ROWS])
def test_a_type_spends_the_id_that_its_data_have(name: str, row: EventType) -> None:
    ids = set() if name in SPEND_NONE else UNIQUE_IDS.intersection(field.name for field in fields(row.contract))
    assert ids == ({row.spends} if row.spends else set())


@pytest.mark.rule("R40")
def test_everything_on_renewals_and_bindings_need_a_purchase() -> None:
    waiting = {name for topic, name, row in ROWS if row.needs_purchase}
    bindings = {"tenure.server.bound.v1", "tenure.server.unbound.v1"}
    assert waiting == {*REGISTRY[RENEWALS], *bindings}


@cases("contract", DECIDED)
def test_every_type_changes_facts_or_is_decided(contract: type) -> None:
    decided = {**decide.BY_STAMP, **decide.ON_ANY_ACCOUNT, **decide.ON_A_LIVE_SUBSCRIPTION}
    assert contract in facts.FACTS or contract in decided
