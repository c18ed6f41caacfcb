"""Which failed deductions are told: against what was really told before, in whatever mode and batch (R25)."""

from datetime import date
from decimal import Decimal

import pytest

from notifier_service.decisions.decide import decide
from notifier_service.decisions.held_back import DeliveryMode
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.outdated import why_outdated
from notifier_service.decisions.preferences import Preferences
from notifier_service.decisions.recipient import Recipient
from shared.contracts.lifecycle_auto_renewal import AutoRenewalSwitchedOff, AutoRenewalSwitchedOn
from shared.contracts.outcomes import Channel
from tests.unit.notifier import samples
from tests.unit.notifier.test_decide import ADA, NOW, decided, event, failed

OFF = AutoRenewalSwitchedOff(cycle_months=1, effective_on=date(2026, 11, 23), first_attempt_at=None)
ON = AutoRenewalSwitchedOn(cycle_months=1, effective_on=date(2026, 11, 24), first_attempt_at=NOW)
NOTHING_SWITCHED_OFF = Preferences()


@pytest.mark.rule("R25")
def test_nine_failed_deductions_of_one_batch_are_told_once() -> None:
    """After one jump of the clock: the last attempt is told, since it says that no further one comes."""
    events = [event(attempt, failed(attempt)) for attempt in range(1, 10)]
    decisions, recipient = decided(*events, contact=ADA)
    emails = [one for one in decisions if one.planned.channel is Channel.EMAIL]
    reasons = [one.suppressed for one in emails]
    assert reasons == ["later_attempt", *["nothing_new"] * 7, None]
    assert recipient.told_shortfall == Decimal("15.75")


@pytest.mark.rule("R25")
def test_failed_deductions_day_by_day_are_told_first_with_another_shortfall_and_last() -> None:
    told, known = [], Recipient(account_id="acc-1", contact=ADA, contact_version=1)
    for attempt in range(1, 10):
        shortfall = "15.75" if attempt < 5 else "5.75"
        decisions, recipients = decide([event(attempt + 1, failed(attempt, shortfall))], {"acc-1": known}, NOW)
        known = recipients["acc-1"]
        told += [attempt for one in decisions if one.planned.channel is Channel.EMAIL and one.suppressed is None]
    assert told == [1, 5, 9]


@pytest.mark.rule("R25")
def test_a_failed_deduction_that_comes_again_does_not_bring_its_shortfall_back() -> None:
    first, later = event(1, failed(1, "15.75")), event(5, failed(5, "5.75"))
    decisions, recipient = decided(first, later, first, event(6, failed(6, "5.75")), contact=ADA)
    assert recipient.told_shortfall == Decimal("5.75")
    assert decisions[-1].suppressed == "nothing_new"


def test_one_that_says_nothing_new_suppresses_none_that_was_told() -> None:
    """The email of the first attempt may still be queued when the second one fails: it must not get lost."""
    _, recipient = decided(event(2, failed(1)), event(3, failed(2)))
    assert why_outdated(event(2, failed(1)), recipient.latest_versions, NOW) is None


def told_one_by_one(
    *batches: tuple[LifecycleEvent, DeliveryMode], preferences: Preferences = NOTHING_SWITCHED_OFF
) -> list[list[str | None]]:
    """Of each event, read in a batch of its own, the reasons of email and internal message."""
    known = {"acc-1": Recipient(account_id="acc-1", contact=ADA, contact_version=1, preferences=preferences)}
    reasons: list[list[str | None]] = []
    for one, mode in batches:
        decisions, known = decide([one], known, NOW, mode)
        reasons.append([decision.suppressed for decision in decisions])
    return reasons


@pytest.mark.rule("R25")
def test_a_failed_deduction_that_was_held_back_in_the_shadow_is_told_after_it() -> None:
    first, second, third = (event(attempt, failed(attempt)) for attempt in (1, 2, 3))
    told = told_one_by_one((first, "shadow"), (second, "on"), (third, "on"))
    assert told == [["shadow"] * 2, [None] * 2, ["nothing_new"] * 2]


@pytest.mark.rule("R25")
def test_the_shadow_shows_which_failed_deductions_would_have_been_told() -> None:
    shortfalls = ["15.75", "15.75", "5.75", "5.75", *["15.75"] * 5]
    events = [event(attempt, failed(attempt, short)) for attempt, short in enumerate(shortfalls, 1)]
    told = told_one_by_one(*((one, "shadow") for one in events))
    assert [attempt for attempt, reasons in enumerate(told, 1) if reasons == ["shadow"] * 2] == [1, 3, 5, 9]


@pytest.mark.rule("R25")
def test_a_failed_deduction_of_which_the_inbox_alone_was_told_is_not_told_again() -> None:
    told = told_one_by_one((event(1, failed(1)), "inbox"), (event(2, failed(2)), "on"))
    assert told == [["shadow", None], ["nothing_new"] * 2]


@pytest.mark.rule("R25")
def test_a_failed_deduction_that_comes_again_after_the_shadow_is_still_not_told() -> None:
    """Its decisions are stored already, so nothing comes of it."""
    first, second = event(1, failed(1)), event(2, failed(2))
    told = told_one_by_one((first, "shadow"), (second, "shadow"), (second, "on"), (event(3, failed(3)), "on"))
    assert told[-1] == [None] * 2


@pytest.mark.rule("R25")
def test_a_failed_deduction_that_its_own_batch_made_outdated_counts_as_not_told() -> None:
    decisions, _ = decided(event(1, failed(1)), event(2, OFF), event(3, ON), event(4, failed(2)), contact=ADA)
    reasons = [one.suppressed for one in decisions if one.planned.kind == "auto_renewal_failed"]
    assert reasons == ["disabled_meanwhile"] * 2 + [None] * 2


@pytest.mark.rule("R25")
@pytest.mark.parametrize(
    ("channel", "again"),
    [(None, ["nothing_new"] * 2), (Channel.EMAIL, ["muted", "nothing_new"]), (Channel.INBOX, [None, "muted"])],
)
def test_after_a_switch_off_and_on_only_what_the_inbox_has_told_counts_as_told(
    channel: Channel | None, again: list[str | None]
) -> None:
    """An email may have waited until the switch, and was not sent then."""
    muted = Preferences(frozenset({("auto_renewal_failed", channel)} if channel else ()))
    events = event(1, failed(1)), event(2, OFF), event(3, ON), event(4, failed(2))
    assert told_one_by_one(*((one, "on") for one in events), preferences=muted)[-1] == again


@pytest.mark.rule("R25")
def test_an_older_switch_off_that_comes_again_takes_back_nothing_that_was_told() -> None:
    muted = Preferences(frozenset({("auto_renewal_failed", Channel.INBOX)}))
    events = event(1, OFF), event(2, ON), event(3, failed(1)), event(1, OFF), event(4, failed(2))
    assert told_one_by_one(*((one, "on") for one in events), preferences=muted)[-1] == ["nothing_new", "muted"]


@pytest.mark.rule("R25", "R46")
def test_after_a_renewal_that_was_taken_back_the_next_failed_deduction_is_told_whatever_it_lacks() -> None:
    events = (
        event(1, failed(1)),
        event(2, samples.renewed),
        event(3, samples.renewal_cancelled),
        event(4, ON),
        event(5, failed(2)),
    )
    told = told_one_by_one(*((one, "on") for one in (*events, event(2, samples.renewed), event(6, failed(3)))))
    assert [told[4], told[6]] == [[None] * 2, ["nothing_new"] * 2]
