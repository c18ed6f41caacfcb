"""Further recipients of an account (R52): the newest list wins in any order of arrival, also beside erasures (R48)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import adapter
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import RecipientsReplaced
from shared.contracts.lifecycle_acts import PersonErased
from shared.contracts.recipients import MAX_RECIPIENTS, RecipientsChanged
from shared.contracts.types import FurtherRecipient
from subscription_service.domain.context import DecisionTime
from subscription_service.domain.erasing import without_contact
from subscription_service.domain.model import NO_RECIPIENTS, Account, Recipients, VersionStamp
from subscription_service.domain.step import step
from tests.kit.examples import examples
from tests.unit.domain.acts import OPERATOR, REASON, erase
from tests.unit.domain.lives import rebuilt
from tests.unit.domain.scenario import ACCOUNT, RULES, Scenario, contact_changed, recipient, recipients_changed, when
from tests.unit.domain.scenario import ANNA as CONTACT
from tests.unit.domain.strategies import LISTS

FINANCE, OPERATIONS = recipient("finance", "renewed"), recipient("operations")
LATER = when("2026-02-01 09:00")
ERASED = PersonErased(operator=OPERATOR, reason=REASON)
pytestmark = pytest.mark.rule("R52")


def known(*recipients: FurtherRecipient) -> Scenario:
    """An account of which nothing else is known, with these recipients since 10 January."""
    scenario = Scenario()
    scenario.receive("2026-01-10 09:00", recipients_changed(*recipients))
    return scenario


def test_a_list_replaces_the_one_before_as_a_whole_and_is_published() -> None:
    scenario = known(FINANCE, OPERATIONS)
    assert scenario.receive("2026-01-11 09:00", recipients_changed(OPERATIONS)) == [
        RecipientsReplaced(recipients=(OPERATIONS,))
    ]
    assert scenario.account.recipients.entries == (OPERATIONS,)
    assert rebuilt(scenario.folded()) == rebuilt(scenario.account)


def test_an_empty_list_ends_it() -> None:
    scenario = known(FINANCE)
    assert scenario.receive("2026-01-11 09:00", recipients_changed()) == [RecipientsReplaced(recipients=())]
    assert scenario.account.recipients.entries == ()


def test_an_older_list_that_comes_late_changes_nothing_and_says_nothing() -> None:
    scenario = known(FINANCE)
    before = scenario.account
    assert scenario.receive("2026-01-09 09:00", recipients_changed(OPERATIONS), now=LATER) == []
    assert scenario.account.recipients == before.recipients


def test_an_equal_list_says_nothing_but_moves_the_mark() -> None:
    scenario = known(FINANCE)
    assert scenario.receive("2026-01-12 09:00", recipients_changed(FINANCE)) == []
    assert scenario.receive("2026-01-11 09:00", recipients_changed(OPERATIONS), now=LATER) == []
    assert scenario.account.recipients.entries == (FINANCE,)


@pytest.mark.rule("R37")
@pytest.mark.parametrize("greater", [("test", "2"), ("u", "1")], ids=["by its id", "by its source"])
def test_of_two_at_the_same_instant_the_greater_source_then_id_wins(greater: tuple[str, str]) -> None:
    lists = [(("test", "1"), FINANCE), (greater, OPERATIONS)]
    for order in (lists, lists[::-1]):
        account = Account(account_id=ACCOUNT)
        for identity, who in order:
            account = stepped(account, LATER, identity, recipients_changed(who))
        assert account.recipients.entries == (OPERATIONS,)


def stepped(account: Account, time: datetime, identity: tuple[str, str], command: InboundData) -> Account:
    decision_time, stamp = DecisionTime(at=LATER, now=LATER), VersionStamp(time, *identity)
    return step(account, command, time=decision_time, stamp=stamp, rules=RULES).account


@pytest.mark.rule("R48")
def test_an_erasure_forgets_the_list_and_a_later_one_begins_anew() -> None:
    scenario = known(FINANCE)
    assert scenario.receive("2026-01-20 09:00", erase()) == [ERASED]
    assert scenario.account.recipients == NO_RECIPIENTS
    assert scenario.receive("2026-01-20 09:00", recipients_changed(OPERATIONS), now=LATER) == []
    assert scenario.receive("2026-01-20 09:00:01", recipients_changed(OPERATIONS), now=LATER) == [
        RecipientsReplaced(recipients=(OPERATIONS,))
    ]


@pytest.mark.rule("R48")
def test_an_erasure_that_arrives_late_states_a_later_list_anew() -> None:
    scenario = known(FINANCE)
    scenario.receive("2026-01-09 09:00", contact_changed(CONTACT))
    emitted = scenario.receive("2026-01-09 10:00", erase(), now=LATER)
    assert emitted == [ERASED, RecipientsReplaced(recipients=(FINANCE,))]
    assert (scenario.account.contact, scenario.account.recipients.entries) == (None, (FINANCE,))
    assert rebuilt(scenario.folded()) == rebuilt(scenario.account)


@pytest.mark.rule("R48")
def test_recipients_are_somebody_to_forget_and_an_empty_list_is_nobody() -> None:
    scenario = known(FINANCE)
    scenario.receive("2026-01-20 09:00", erase())
    scenario.receive("2026-01-21 09:00", recipients_changed())
    assert scenario.receive("2026-01-22 09:00", erase()) == []
    scenario.receive("2026-01-23 09:00", recipients_changed(FINANCE))
    assert scenario.receive("2026-01-24 09:00", erase()) == [ERASED]


@pytest.mark.rule("R48", "R37")
@given(data=st.data(), commands=st.lists(st.one_of(LISTS, LISTS, st.builds(erase)), min_size=2, max_size=8))
@settings(max_examples=examples(150), deadline=None)
def test_any_order_of_lists_and_erasures_ends_the_same(data: st.DataObject, commands: list[InboundData]) -> None:
    order = data.draw(st.permutations(range(len(commands))))
    assert ended(commands, range(len(commands))) == ended(commands, order)


def ended(commands: list[InboundData], order: Any) -> Recipients:
    """Each command has a second of its own."""
    account = Account(account_id=ACCOUNT)
    for number in order:
        account = stepped(account, LATER + timedelta(seconds=number), ("test", "e"), commands[number])
    return account.recipients


@pytest.mark.rule("R48")
def test_the_event_is_kept_without_its_recipients_once_they_are_forgotten() -> None:
    assert without_contact(RecipientsReplaced(recipients=(FINANCE,))) == RecipientsReplaced(recipients=None)


def read(*recipients: FurtherRecipient) -> RecipientsChanged:
    return adapter(RecipientsChanged).validate_python(
        {"account_id": ACCOUNT, "recipients": orjson.loads(orjson.dumps(recipients))}
    )


@pytest.mark.parametrize(
    ("recipients", "fault"),
    [
        ((FINANCE, replace(OPERATIONS, recipient_id="finance")), "no recipient_id twice"),
        ((FINANCE, replace(OPERATIONS, email="FINANCE@acme.example")), "no email twice"),
        ((recipient("finance", "renewed", "no_such_kind"),), "'no_such_kind' is not a kind"),
        (tuple(recipient(f"r-{each}") for each in range(MAX_RECIPIENTS + 1)), "at most 20 items"),
    ],
    ids=["an id twice", "an address twice, in other letters", "an unknown kind", "one too many"],
)
def test_a_list_that_cannot_be_meant_is_no_event(recipients: tuple[FurtherRecipient, ...], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read(*recipients)


def test_twenty_recipients_each_with_any_kinds_are_taken() -> None:
    most = tuple(recipient(f"r-{each}", "renewal_due", "contact_changed") for each in range(MAX_RECIPIENTS))
    assert read(*most).recipients == most
