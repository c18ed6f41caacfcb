"""The decisions of a batch: contacts as known, suppression with its reason, later events of the same batch."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from notifier_service.decisions.decide import NotificationDecision, decide
from notifier_service.decisions.held_back import DeliveryMode
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.outdated import LatestVersions, why_outdated
from notifier_service.decisions.preferences import Preferences
from notifier_service.decisions.recipient import Recipient
from notifier_service.decisions.subscription import Subscription
from shared.contracts.lifecycle import (
    LIFECYCLE_TYPE,
    ContactReplaced,
    LifecycleData,
    OrderRejected,
    QuotaExceeded,
    QuotaRestored,
    ReleaseDue,
    kind_of,
)
from shared.contracts.lifecycle_acts import PersonErased
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import Actor, Cause, LifecycleMetadata, RejectionCode
from shared.contracts.outcomes import Channel
from shared.contracts.types import Contact, ProtectionMode
from tests.unit.notifier import samples, variants

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ADA = Contact(name="Ada", email="ada@example.com")
EVE = Contact(name="Eve", email="eve@example.com")
EXCEEDED = QuotaExceeded(protection_mode=ProtectionMode.FULL, servers=None, cores=None)
IMPORTED = dict(variants.silent())["imported"]
LIN = samples.LIN
RESTORED = QuotaRestored(protection_mode=ProtectionMode.FULL, servers=None, cores=None)


def event(version: int, data: LifecycleData, recordedat: datetime = NOW) -> LifecycleEvent:
    metadata = LifecycleMetadata(
        account_id="acc-1",
        subscription_id="sub-1",
        version=version,
        cause=Cause(type="timer", id="timer"),
        actor=Actor.SYSTEM,
    )
    name = LIFECYCLE_TYPE[type(data)]
    return LifecycleEvent(
        id=f"evt-{version}",
        type=name,
        kind=kind_of(name),
        time=recordedat,
        recordedat=recordedat,
        metadata=metadata,
        data=data,
        traceparent=None,
        envelope={},
    )


def failed(attempt: int, shortfall: str = "15.75") -> AutoRenewalFailed:
    """A failed deduction of nine attempts, a day apart."""
    return AutoRenewalFailed(
        fee=Decimal("100.00"),
        discount=Decimal("0.00"),
        balance=Decimal("84.25"),
        shortfall=Decimal(shortfall),
        attempt=attempt,
        next_attempt_at=NOW + timedelta(days=1) if attempt < 9 else None,
    )


def rejected(contact: Contact | None) -> OrderRejected:
    return OrderRejected(
        order_id="ord-1",
        order_type="tenure.purchase.ordered.v1",
        code=RejectionCode.TERMS_NOT_ACCEPTED,
        message="Accept the terms.",
        required=None,
        offered=None,
        contact=contact,
    )


def decided(*events: LifecycleEvent, **known: Any) -> tuple[Sequence[NotificationDecision], Recipient]:
    decisions, recipients = decide(events, {"acc-1": Recipient(account_id="acc-1", **known)}, NOW)
    return decisions, recipients["acc-1"]


def suppressions(decisions: Sequence[NotificationDecision]) -> list[tuple[str, Channel, str | None]]:
    return [(one.planned.kind, one.planned.channel, one.suppressed) for one in decisions]


def test_a_contact_counts_from_the_event_that_states_it() -> None:
    stated = event(2, ContactReplaced(contact=ADA))
    decisions, after = decided(event(1, rejected(None)), stated, event(3, rejected(None)))
    emails = [one.contact for one in decisions if one.planned.channel is Channel.EMAIL]
    assert emails == [None, ADA]
    assert after.contact == ADA


def test_an_older_contact_never_replaces_a_newer_one() -> None:
    _, after = decided(event(2, ContactReplaced(contact=EVE)), contact=ADA, contact_version=5)
    assert after.contact == ADA


def test_a_refused_purchases_contact_is_for_that_refusal_only() -> None:
    decisions, after = decided(event(1, rejected(EVE)))
    assert {one.contact for one in decisions} == {EVE}
    assert after.contact is None


def test_a_known_contact_goes_before_the_one_that_a_refused_order_states() -> None:
    decisions, _ = decided(event(2, rejected(EVE)), contact=ADA, contact_version=1)
    assert {one.contact for one in decisions} == {ADA}


def test_a_later_event_of_the_same_batch_suppresses_an_earlier_one() -> None:
    decisions, _ = decided(event(1, EXCEEDED), event(2, RESTORED), contact=ADA)
    assert suppressions(decisions) == [
        ("quota_exceeded", Channel.EMAIL, "restored_meanwhile"),
        ("quota_exceeded", Channel.INBOX, "restored_meanwhile"),
        ("quota_restored", Channel.INBOX, None),
    ]


def test_a_newer_version_that_is_known_suppresses_an_event_that_comes_late() -> None:
    decisions, after = decided(event(1, EXCEEDED), contact=ADA, latest_versions=LatestVersions({"quota_restored": 2}))
    assert {one.suppressed for one in decisions} == {"restored_meanwhile"}
    assert after.latest_versions.by_kind == {"quota_restored": 2, "quota_exceeded": 1}


def test_the_recording_counts_where_it_is_later_than_the_clock() -> None:
    due = ReleaseDue(release_at=NOW + timedelta(hours=1), retained={})
    in_time, _ = decided(event(1, due), contact=ADA)
    too_late, _ = decided(event(1, due, recordedat=NOW + timedelta(hours=1)), contact=ADA)
    assert {one.suppressed for one in in_time} == {None}
    assert {one.suppressed for one in too_late} == {"released_meanwhile"}


def test_muted_is_the_reason_where_several_apply() -> None:
    muted = Preferences(frozenset({("quota_exceeded", Channel.INBOX)}))
    decisions, _ = decided(event(1, EXCEEDED), event(2, RESTORED), contact=ADA, preferences=muted)
    reasons = {one.planned.channel: one.suppressed for one in decisions if one.planned.kind == "quota_exceeded"}
    assert reasons == {Channel.EMAIL: "restored_meanwhile", Channel.INBOX: "muted"}


@pytest.mark.parametrize(
    ("mode", "held"),
    [("on", set()), ("inbox", {Channel.EMAIL}), ("shadow", {Channel.EMAIL, Channel.INBOX})],
)
def test_each_mode_holds_back_its_channels_and_decides_the_rest(mode: DeliveryMode, held: set[Channel]) -> None:
    known = {"acc-1": Recipient(account_id="acc-1", contact=ADA)}
    decisions, _ = decide([event(1, EXCEEDED)], known, NOW, mode)
    assert {one.planned.channel for one in decisions if one.suppressed == "shadow"} == held
    assert {one.planned.channel for one in decisions if one.suppressed is None} == set(Channel) - held


def test_what_would_not_be_told_anyhow_keeps_its_own_reason_in_the_shadow() -> None:
    known = {"acc-1": Recipient(account_id="acc-1")}
    decisions, _ = decide([event(1, EXCEEDED), event(2, RESTORED)], known, NOW, "shadow")
    assert suppressions(decisions) == [
        ("quota_exceeded", Channel.EMAIL, "no_contact"),
        ("quota_exceeded", Channel.INBOX, "restored_meanwhile"),
        ("quota_restored", Channel.INBOX, "shadow"),
    ]


@pytest.mark.rule("R44", "R42")
def test_an_import_tells_nobody_and_its_contact_is_kept() -> None:
    decisions, after = decided(event(1, IMPORTED), event(2, EXCEEDED))
    assert [(one.planned.kind, one.contact) for one in decisions] == [("quota_exceeded", LIN), ("quota_exceeded", LIN)]
    assert (after.contact, after.contact_version) == (LIN, 1)


@pytest.mark.rule("R42")
def test_nobody_is_told_of_a_refused_import() -> None:
    refused = replace(rejected(EVE), order_type="tenure.subscription.imported.v1")
    decisions, after = decided(event(1, refused))
    assert (decisions, after.contact) == ([], None)


def erased(version: int) -> LifecycleEvent:
    return event(version, PersonErased(operator="o.perez", reason="ticket 4712"))


@pytest.mark.rule("R48")
def test_nobody_is_told_of_an_erasure_and_of_the_person_nothing_stays() -> None:
    muted = Preferences(frozenset({("renewed", Channel.EMAIL)}))
    decisions, after = decided(erased(7), contact=ADA, contact_version=2, preferences=muted, told_shortfall=Decimal(1))
    assert decisions == []
    forgotten = Recipient(account_id="acc-1", contact_version=7, further_version=7)
    latest, known = LatestVersions({"erased": 7}), Subscription(version=7)
    assert after == structs.replace(forgotten, latest_versions=latest, subscription=known)


@pytest.mark.rule("R48")
def test_what_an_erasure_in_the_same_batch_has_overtaken_is_suppressed_and_names_nobody() -> None:
    decisions, _ = decided(event(1, rejected(EVE)), event(2, failed(1)), erased(3), event(4, rejected(None)))
    assert [(each.suppressed, each.contact) for each in decisions[:4]] == [("erased", None)] * 4
    assert [each.suppressed for each in decisions[4:]] == ["no_contact", None]


@pytest.mark.rule("R48")
def test_a_later_contact_begins_anew_and_an_older_one_that_comes_again_does_not() -> None:
    decisions, after = decided(
        event(2, ContactReplaced(contact=ADA)), erased(3), event(4, ContactReplaced(contact=EVE))
    )
    assert [each.suppressed for each in decisions] == ["erased", None]
    assert (after.contact, after.contact_version) == (EVE, 4)
    _, again = decided(event(2, ContactReplaced(contact=ADA)), contact_version=3)
    assert again.contact is None


@pytest.mark.rule("R48")
def test_an_erasure_that_comes_again_leaves_a_later_contact_alone() -> None:
    _, after = decided(erased(3), contact=EVE, contact_version=4, latest_versions=LatestVersions({"erased": 3}))
    assert after.contact == EVE


@pytest.mark.rule("R48")
def test_a_contact_that_was_blanked_before_it_was_published_is_told_to_nobody() -> None:
    decisions, after = decided(event(2, ContactReplaced(contact=None)))
    assert ([each.suppressed for each in decisions], after.contact) == (["erased"], None)


@pytest.mark.rule("R48")
@pytest.mark.parametrize(("version", "reason"), [(6, "erased"), (7, None), (8, None)])
def test_an_email_that_waits_is_not_sent_once_its_person_was_forgotten_after_it(
    version: int, reason: str | None
) -> None:
    assert why_outdated(event(version, rejected(EVE)), LatestVersions({"erased": 7}), NOW) == reason
