"""The notifications of an event, preferences, and the event itself as it is read from the wire."""

import re
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from notifier_service.decisions.channels import CHANNELS, PROTECTED
from notifier_service.decisions.lifecycle_event import read
from notifier_service.decisions.plan import MUTED, NO_CONTACT, notification_id, plan
from notifier_service.decisions.preferences import InvalidPreferences, Preferences, validate_preferences
from shared.contracts.envelope import Event
from shared.contracts.lifecycle import LIFECYCLE_EVENTS, LifecycleData, kind_of
from shared.contracts.lifecycle_parts import Actor, RejectionCode
from shared.contracts.outcomes import Channel
from shared.contracts.unreadable import Unreadable
from tests.kit.cases import cases
from tests.unit.notifier import samples, variants

EMAILED = {name.partition("-")[0] for name, _ in variants.mailed()}
NOTHING_MUTED = Preferences()


def test_every_lifecycle_kind_has_its_row_in_the_table() -> None:
    assert set(CHANNELS) == {kind_of(name) for name in LIFECYCLE_EVENTS}
    assert {kind for kind, channels in CHANNELS.items() if Channel.EMAIL in channels} == EMAILED


def test_a_reminder_makes_a_mail_and_an_internal_message() -> None:
    planned = plan(samples.event(samples.renewal_due), samples.ADA, NOTHING_MUTED)
    assert [(each.channel, each.kind, each.suppressed) for each in planned] == [
        (Channel.EMAIL, "renewal_due", None),
        (Channel.INBOX, "renewal_due", None),
    ]


def test_a_change_of_specification_makes_an_internal_message_only() -> None:
    _, data = next(variants.inbox_only())
    assert [each.channel for each in plan(samples.event(data), samples.ADA, NOTHING_MUTED)] == [Channel.INBOX]


@pytest.mark.rule("R46")
@pytest.mark.parametrize(("actor", "told"), [(Actor.OPERATOR, 0), (Actor.USER, 2)])
def test_nobody_is_told_that_an_act_was_refused_and_a_customer_of_an_own_cancellation(actor: Actor, told: int) -> None:
    refused = replace(samples.rejected(RejectionCode.ORDER_NOT_PENDING), order_type="tenure.renewal.cancelled.v1")
    event = samples.event(refused)
    by = structs.replace(event, metadata=replace(event.metadata, actor=actor))
    assert len(plan(by, samples.ADA, NOTHING_MUTED)) == told


def test_without_a_contact_only_the_mail_is_suppressed() -> None:
    planned = plan(samples.event(samples.expired), None, NOTHING_MUTED)
    assert [each.suppressed for each in planned] == [NO_CONTACT, None]


def test_a_muted_channel_is_planned_as_suppressed() -> None:
    muted = Preferences(frozenset({("expired", Channel.INBOX)}))
    planned = plan(samples.event(samples.expired), samples.ADA, muted)
    assert [each.suppressed for each in planned] == [None, MUTED]


def test_planning_twice_gives_the_same_ids_and_each_channel_its_own() -> None:
    event = samples.event(samples.expired)
    first, second = plan(event, samples.ADA, NOTHING_MUTED), plan(event, None, NOTHING_MUTED)
    assert [each.notification_id for each in first] == [each.notification_id for each in second]
    assert len({each.notification_id for each in first}) == 2


def test_a_notification_id_is_an_id_and_a_local_part() -> None:
    assert re.fullmatch(r"ntf-[0-9a-f]{24}", notification_id("e" * 128, Channel.EMAIL))


@cases("kind", sorted(PROTECTED))
def test_a_protected_kind_keeps_a_channel(kind: str) -> None:
    validate_preferences(Preferences(frozenset({(kind, Channel.EMAIL)})))
    with pytest.raises(InvalidPreferences, match=f"{kind}: keep at least one"):
        validate_preferences(Preferences(frozenset({(kind, Channel.EMAIL), (kind, Channel.INBOX)})))


def test_other_kinds_may_be_switched_off_on_every_channel() -> None:
    validate_preferences(Preferences(frozenset({("renewed", Channel.EMAIL), ("renewed", Channel.INBOX)})))


def test_a_preference_for_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidPreferences, match="not a kind"):
        validate_preferences(Preferences(frozenset({("birthday", Channel.EMAIL)})))


def test_reading_takes_the_stamp_and_recordedat_from_the_envelope() -> None:
    event = read(wire({"recordedat": "2026-11-24T05:00:00+01:00"}))
    assert event == structs.replace(samples.event(samples.expired), id="lc-1", envelope=event.envelope)


def test_without_recordedat_the_time_counts() -> None:
    assert read(wire({})).recordedat == samples.NOON


@pytest.mark.parametrize(
    ("fields", "metadata", "where"),
    [({"recordedat": "soon"}, {}, "recordedat"), ({}, {"version": "7"}, "version"), ({}, {"actor": "me"}, "actor")],
)
def test_bad_metadata_is_unreadable(fields: dict[str, Any], metadata: dict[str, Any], where: str) -> None:
    with pytest.raises(Unreadable, match=where):
        read(wire(fields, **metadata))


def wire(fields: dict[str, Any], **metadata: Any) -> Event[LifecycleData]:
    data = {
        "account_id": "acct-1",
        "subscription_id": "sub-1",
        "version": 7,
        "cause": {"type": "timer", "id": "timer-1"},
        "actor": "system",
        **metadata,
    }
    return Event(
        id="lc-1",
        source="/tenure/subscription",
        type="tenure.subscription.expired.v1",
        time=samples.NOON,
        subject="acct-1",
        data=samples.expired,
        traceparent=None,
        fields={"data": data, **fields},
    )
