"""The subscription that the top of the inbox shows: folded from what was read, and said in words."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from msgspec import structs

from notifier_service.decisions.subscription import Renewal, State, Subscription
from notifier_service.pages.subscription_view import SubscriptionView, subscription_view
from shared.contracts.lifecycle import ContactReplaced, LifecycleData, QuotaRestored, RenewalDeclineNoted
from shared.contracts.lifecycle_auto_renewal import AutoRenewalSwitchedOff
from tests.kit.cases import cases
from tests.unit.notifier import samples, variants

EVERYTHING = [data for _, data in (*variants.mailed(), *variants.inbox_only(), *variants.older())]
SWITCHED_OFF = AutoRenewalSwitchedOff(cycle_months=1, effective_on=samples.LAST_DAY, first_attempt_at=None)


def after(*events: LifecycleData) -> Subscription:
    known = Subscription()
    for version, data in enumerate(events, start=1):
        known = known.after(samples.event(data, version=version))
    return known


def shown(*events: LifecycleData, language: str = "en") -> SubscriptionView:
    view = subscription_view(after(*events), samples.localizer(language, "Asia/Shanghai"), samples.NOON)
    assert view is not None
    return view


def test_before_any_event_and_after_one_that_says_nothing_of_it_nothing_is_shown() -> None:
    for known in (Subscription(), after(ContactReplaced(contact=samples.ADA))):
        assert subscription_view(known, samples.localizer("en"), samples.NOON) is None


def test_a_purchase_says_what_it_is_and_until_when() -> None:
    view = shown(replace(samples.activated, auto_renewal=None))
    assert view.state is State.ACTIVE
    assert view.until == "Protected until the end of December 1, 2026"
    assert view.product.startswith("Enterprise")
    assert view.next == ("It is not renewed by itself. Please renew before that day is over.",)


def test_an_event_that_was_read_before_or_is_older_changes_nothing() -> None:
    known = after(samples.activated, RenewalDeclineNoted())
    assert known.after(samples.event(samples.activated, version=1)) is known
    assert known.after(samples.event(SWITCHED_OFF, version=2)) is known


def test_a_failed_deduction_names_what_was_lacking_and_the_next_attempt() -> None:
    attempt = samples.NOON + timedelta(days=1)
    failed = replace(samples.failed, shortfall=Decimal("8.50"), currency="USD", next_attempt_at=attempt)
    assert shown(samples.activated, failed).next == (
        "The last deduction failed: the balance is short by $8.50. Please top it up.",
        "The renewal is charged to the balance on November 25, 2026 at 12:00 (China Standard Time, UTC+08:00).",
    )
    last = shown(samples.activated, replace(failed, next_attempt_at=None)).next
    assert last[1] == "There will be no further attempt. Please renew by hand, or top up the balance."


def test_an_attempt_that_is_past_is_not_announced() -> None:
    known = structs.replace(after(samples.activated), renewal=Renewal.AUTOMATIC, attempt_at=samples.NOON)
    view = subscription_view(known, samples.localizer("en"), samples.NOON)
    assert view
    assert view.next == ("It is renewed by itself before it ends, as long as the balance covers the fee.",)


def test_a_renewal_ends_what_was_said_of_the_old_end_and_a_decline() -> None:
    known = after(samples.activated, samples.failed, RenewalDeclineNoted(), samples.renewed)
    assert (known.renewal, known.shortfall, known.attempt_at) == (Renewal.MANUAL, None, None)
    assert known.expires_on == samples.renewed.expires_on


def test_a_decline_stays_when_auto_renewal_is_switched_off_with_it() -> None:
    assert after(samples.activated, RenewalDeclineNoted(), SWITCHED_OFF).renewal is Renewal.DECLINED
    assert after(samples.activated, SWITCHED_OFF).renewal is Renewal.MANUAL


def test_in_grace_it_says_until_when_everything_is_kept_and_after_release_that_it_is_gone() -> None:
    grace = shown(samples.activated, samples.expired)
    assert (grace.state, grace.until) == (State.GRACE, "Protection ended after December 1, 2026")
    assert "kept until December 9, 2026" in grace.next[0]
    gone = shown(samples.activated, samples.expired, samples.released)
    assert (gone.state, gone.until[:11]) == (State.RELEASED, "Released on")
    assert gone.next == ("What was kept has been deleted. A new purchase starts from the beginning.",)


def test_a_quota_that_is_exceeded_is_said_until_it_fits_again() -> None:
    sentence = "More servers or cores are in use than the quota covers."
    exceeded = samples.quota_exceeded
    assert sentence in shown(samples.activated, exceeded).next
    restored = QuotaRestored(protection_mode=exceeded.protection_mode, servers=exceeded.servers, cores=exceeded.cores)
    assert sentence not in shown(samples.activated, exceeded, restored).next


@cases("language", samples.READERS)
@cases("data", EVERYTHING)
def test_every_event_can_come_first_or_after_a_purchase(data: LifecycleData, language: str) -> None:
    for known in (after(data), after(samples.activated, data)):
        subscription_view(known, samples.localizer(language), samples.NOON)
    assert shown(samples.activated, data, language=language).until
