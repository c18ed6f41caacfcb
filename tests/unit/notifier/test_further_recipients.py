"""Further recipients (R52): whose email each is, since when, and what ends one that waits."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from notifier_service.decisions.addressee import Addressee
from notifier_service.decisions.decide import NotificationDecision, is_out_of_reach, passed_on
from notifier_service.decisions.notification import Delivered, DeliveryResult, Failed, Suppressed
from notifier_service.decisions.outdated import LatestVersions
from notifier_service.decisions.plan import MUTED, NO_RECIPIENT, notification_id
from notifier_service.decisions.preferences import Preferences
from notifier_service.decisions.recipient import Recipient, addressee_of, why_unwanted
from shared.contracts.lifecycle import ContactReplaced, RecipientsReplaced
from shared.contracts.outcomes import Channel
from shared.contracts.types import FurtherRecipient
from tests.unit.notifier import samples
from tests.unit.notifier.test_decide import ADA, EXCEEDED, RESTORED, decided, event, rejected
from tests.unit.notifier.variants import silent

FINANCE = FurtherRecipient(recipient_id="finance", name="Eva", email="eva@example.org", kinds=("renewed",))
OPERATIONS = FurtherRecipient(recipient_id="operations", name="Otto", email="otto@example.org", locale="zh-CN")
ERASED = dict(silent())["erased"]
pytestmark = pytest.mark.rule("R52")


def emails(decisions: Sequence[NotificationDecision]) -> list[tuple[str | None, str | None, str | None]]:
    """Further recipient, address, and reason of a suppression, of each email."""
    return [
        (one.planned.recipient_id, one.contact.email if one.contact else None, one.suppressed)
        for one in decisions
        if one.planned.channel is Channel.EMAIL
    ]


def told(**known: Any) -> Sequence[NotificationDecision]:
    """What becomes of a passed quota, version 5, where these are known of the account."""
    decisions, _ = decided(event(5, EXCEEDED), contact=ADA, further=(FINANCE, OPERATIONS), **known)
    return decisions


def test_each_gets_the_kinds_of_its_row_and_the_contact_every_kind() -> None:
    assert emails(told()) == [(None, ADA.email, None), ("operations", OPERATIONS.email, None)]


def test_the_inbox_stays_one_per_account() -> None:
    assert [one.planned.recipient_id for one in told() if one.planned.channel is Channel.INBOX] == [None]


def test_the_contacts_id_stays_as_it_was_and_each_recipient_has_one_of_its_own() -> None:
    ids = {one.planned.recipient_id: one.planned.notification_id for one in told() if one.contact is not ADA}
    assert notification_id("acct-1001:6", Channel.EMAIL) == "ntf-2367bad905f424a10132287d"
    assert ids["operations"] == notification_id("evt-5", Channel.EMAIL, "operations")
    assert ids["operations"] != notification_id("evt-5", Channel.EMAIL)
    assert notification_id("a", Channel.EMAIL, "b:c") != notification_id("a:b", Channel.EMAIL, "c")


def test_without_a_contact_the_others_are_written_to_all_the_same() -> None:
    decisions, _ = decided(event(5, EXCEEDED), further=(OPERATIONS,))
    assert emails(decisions) == [(None, None, "no_contact"), ("operations", OPERATIONS.email, None)]


def test_what_makes_no_email_makes_none_for_anybody() -> None:
    decisions, _ = decided(event(5, RESTORED), event(6, ContactReplaced(contact=ADA)), further=(OPERATIONS,))
    assert emails(decisions) == []


def test_what_one_has_muted_is_kept_from_that_one_alone() -> None:
    muted = frozenset({("operations", "quota_exceeded"), ("finance", "renewed")})
    assert emails(told(muted_by_further=muted)) == [
        (None, ADA.email, None),
        ("operations", OPERATIONS.email, MUTED),
    ]
    by_the_contact = Preferences(frozenset({("quota_exceeded", Channel.EMAIL)}))
    assert [reason for *_, reason in emails(told(preferences=by_the_contact))] == [MUTED, None]


def test_a_list_counts_from_its_event_on() -> None:
    events = (
        event(1, rejected(None)),
        event(2, RecipientsReplaced(recipients=(OPERATIONS,))),
        event(3, rejected(None)),
        event(4, RecipientsReplaced(recipients=(FINANCE,))),
        event(5, rejected(None)),
    )
    decisions, after = decided(*events, contact=ADA)
    assert [who for who, *_ in emails(decisions)] == [None, None, "operations", None]
    assert (after.further, after.further_version) == ((FINANCE,), 4)


def test_an_older_event_or_list_that_comes_again_tells_nobody_who_came_later() -> None:
    decisions, after = decided(
        event(3, rejected(None)),
        event(2, RecipientsReplaced(recipients=())),
        contact=ADA,
        further=(OPERATIONS,),
        further_version=4,
    )
    assert [who for who, *_ in emails(decisions)] == [None]
    assert after.further == (OPERATIONS,)


@pytest.mark.rule("R48")
def test_an_erasure_forgets_them_and_what_was_decided_before_it_in_the_batch() -> None:
    decisions, after = decided(event(5, EXCEEDED), event(6, ERASED), event(7, EXCEEDED), further=(OPERATIONS,))
    assert emails(decisions) == [(None, None, "erased"), ("operations", None, "erased"), (None, None, "no_contact")]
    assert (after.further, after.further_version, after.muted_by_further) == ((), 6, frozenset())


@pytest.mark.rule("R48")
def test_a_list_without_names_is_an_empty_one() -> None:
    _, after = decided(event(5, RecipientsReplaced(recipients=None)), further=(OPERATIONS,))
    assert after.further == ()


def test_an_email_that_waits_goes_where_its_recipient_is_found_then() -> None:
    known = Recipient(account_id="acc-1", contact=ADA, further=(FINANCE, OPERATIONS))
    assert addressee_of(event(5, EXCEEDED), known, None) == Addressee(None, ADA)
    assert addressee_of(event(5, EXCEEDED), known, "operations") == Addressee("operations", OPERATIONS)
    assert addressee_of(event(5, EXCEEDED), known, "gone") is None


def test_an_email_that_waits_is_sent_no_more_once_it_is_switched_off_or_its_recipient_has_left() -> None:
    known = Recipient(
        account_id="acc-1",
        contact=ADA,
        preferences=Preferences(frozenset({("renewed", Channel.EMAIL), ("expired", Channel.INBOX)})),
        further=(OPERATIONS,),
        muted_by_further=frozenset({("operations", "expired")}),
    )
    assert [why_unwanted(kind, known, None) for kind in ("renewed", "expired")] == [MUTED, None]
    assert [why_unwanted(kind, known, "operations") for kind in ("renewed", "expired")] == [None, MUTED]
    assert why_unwanted("renewed", known, "gone") == NO_RECIPIENT


DUE = samples.renewal_due
KNOWN = Recipient(account_id="acc-1", contact=ADA, further=(FINANCE, OPERATIONS))


@pytest.mark.parametrize(
    ("bounced", "following"), [(None, "finance"), ("finance", "operations"), ("operations", None), ("gone", None)]
)
def test_a_kind_that_must_not_fall_silent_goes_to_the_next_recipient_where_one_is_out_of_reach(
    bounced: str | None, following: str | None
) -> None:
    told_instead = passed_on(event(5, DUE), KNOWN, bounced)
    assert (told_instead.planned.recipient_id if told_instead else None) == following
    if told_instead:
        assert told_instead.planned.notification_id == notification_id("evt-5", Channel.EMAIL, following)
        assert (told_instead.contact, told_instead.suppressed) == (KNOWN.further[bounced is not None], None)


def test_no_other_kind_is_passed_on() -> None:
    assert passed_on(event(5, EXCEEDED), KNOWN, None) is None


@pytest.mark.parametrize(
    ("result", "is_so"),
    [
        (Suppressed("bounced"), True),
        (Suppressed("complained"), True),
        (Failed("the address has no @", attempted=False, unaddressable=True), True),
        (Suppressed("muted"), False),
        (Suppressed("erased"), False),
        (Suppressed("no_contact"), False),
        (Failed("internal_error", attempted=False), False),
        (Failed("554 5.7.1 relay access denied", attempted=True), False),
        (Delivered("250 ok"), False),
    ],
)
def test_out_of_reach_is_whose_address_has_bounced_or_is_none(result: DeliveryResult, *, is_so: bool) -> None:
    assert is_out_of_reach(result) is is_so


@pytest.mark.rule("R48", "R52")
def test_nobody_is_told_instead_of_what_is_older_than_an_erasure() -> None:
    erased = structs.replace(KNOWN, latest_versions=LatestVersions({"erased": 6}))
    assert passed_on(event(5, DUE), erased, None) is None
