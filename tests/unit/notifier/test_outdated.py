"""What a later event or the clock has made outdated is suppressed, and nothing else is."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from notifier_service.decisions.channels import CHANNELS
from notifier_service.decisions.outdated import ERASED, OVERTAKEN_BY, LatestVersions, says_nothing_new, why_outdated
from shared.contracts.lifecycle import LifecycleData
from tests.kit.cases import cases
from tests.unit.notifier import samples, variants

SECOND = timedelta(seconds=1)
LONG_AFTER = samples.RELEASE_AT + timedelta(days=365)
DATA: dict[str, LifecycleData] = {
    name.partition("-")[0]: data for name, data in (*variants.mailed(), *variants.inbox_only(), *variants.silent())
}


def why(kind: str, latest_versions: LatestVersions, now: datetime = samples.NOON) -> str | None:
    return why_outdated(samples.event(DATA[kind], version=7), latest_versions, now)


@pytest.mark.rule("R29")
def test_a_reminder_is_true_until_the_second_before_the_end() -> None:
    assert why("renewal_due", LatestVersions(), samples.ENDS_AT - SECOND) is None
    assert why("renewal_due", LatestVersions(), samples.ENDS_AT) == "expired_meanwhile"


@pytest.mark.rule("R49")
def test_a_notice_of_a_charge_is_true_until_the_second_before_the_attempt() -> None:
    attempt_at = samples.renewal_upcoming.attempt_at
    assert why("renewal_upcoming", LatestVersions(), attempt_at - SECOND) is None
    assert why("renewal_upcoming", LatestVersions(), attempt_at) == "attempted_meanwhile"


@pytest.mark.rule("R34")
def test_a_release_reminder_is_true_until_the_second_before_the_release() -> None:
    assert why("release_due", LatestVersions(), samples.RELEASE_AT - SECOND) is None
    assert why("release_due", LatestVersions(), samples.RELEASE_AT) == "released_meanwhile"


@cases(
    ("kind", "later", "reason"),
    [
        ("renewal_due", "renewed", "renewed_meanwhile"),
        ("release_due", "renewed", "renewed_meanwhile"),
        ("auto_renewal_failed", "renewed", "renewed_meanwhile"),
        ("auto_renewal_failed", "auto_renewal_disabled", "disabled_meanwhile"),
        ("auto_renewal_failed", "renewal_declined", "disabled_meanwhile"),
        ("auto_renewal_failed", "expired", "expired_meanwhile"),
        ("quota_exceeded", "quota_restored", "restored_meanwhile"),
        ("quota_restored", "quota_exceeded", "exceeded_meanwhile"),
        ("renewal_due", "renewal_due", "later_reminder"),
        ("auto_renewal_failed", "auto_renewal_failed", "later_attempt"),
        ("expired", "renewed", "renewed_meanwhile"),
        ("expired", "released", "released_meanwhile"),
        ("renewal_due", "extended", "extended_meanwhile"),
        ("release_due", "extended", "extended_meanwhile"),
        ("auto_renewal_failed", "extended", "extended_meanwhile"),
        ("expired", "extended_into_service", "extended_meanwhile"),
        ("renewal_upcoming", "auto_renewal_failed", "attempted_meanwhile"),
        ("renewal_upcoming", "renewed", "renewed_meanwhile"),
        ("renewal_upcoming", "extended", "extended_meanwhile"),
        ("renewal_upcoming", "expired", "expired_meanwhile"),
        ("renewal_upcoming", "auto_renewal_disabled", "disabled_meanwhile"),
        ("renewal_upcoming", "renewal_declined", "disabled_meanwhile"),
        ("renewal_upcoming", "auto_renewal_enabled", "cycle_changed_meanwhile"),
        ("renewal_upcoming", "renewal_upcoming", "later_notice"),
    ],
)
def test_a_later_event_makes_it_outdated_and_an_earlier_one_does_not(kind: str, later: str, reason: str) -> None:
    assert why(kind, LatestVersions({later: 8})) == reason
    assert why(kind, LatestVersions({later: 6})) is None


@cases("kind", sorted(CHANNELS))
def test_nothing_else_makes_anything_outdated(kind: str) -> None:
    unrelated = {each: 99 for each in CHANNELS if each not in (ERASED, *OVERTAKEN_BY.get(kind, {}))}
    now = samples.NOON if kind in ("renewal_due", "renewal_upcoming", "release_due") else LONG_AFTER
    assert why(kind, LatestVersions(unrelated), now) is None


@pytest.mark.rule("R46")
def test_a_renewal_is_outdated_once_its_own_order_was_taken_back_and_no_other() -> None:
    def taken_back_at(order_id: str, version: int) -> LatestVersions:
        cancelled = replace(samples.renewal_cancelled, order_id=order_id)
        return LatestVersions().including(samples.event(cancelled, version=version))

    assert why("renewed", taken_back_at(samples.renewed.order_id, 8)) == "taken_back_meanwhile"
    assert why("renewed", taken_back_at(samples.renewed.order_id, 6)) is None
    assert why("renewed", taken_back_at("another", 8)) is None


@pytest.mark.rule("R47")
@pytest.mark.parametrize(
    ("sample", "reason"), [("extended-reactivated", "extended_meanwhile"), ("extended-grace", None)]
)
def test_an_expiry_is_outdated_once_extended_into_service_and_not_by_more_grace(
    sample: str, reason: str | None
) -> None:
    extended = samples.event(dict(variants.mailed())[sample], version=8)
    assert why("expired", LatestVersions().including(extended)) == reason


def test_of_orders_taken_back_only_the_last_ones_are_remembered() -> None:
    latest_versions = LatestVersions()
    for version in range(1, 31):
        cancelled = replace(samples.renewal_cancelled, order_id=f"r-{version}")
        latest_versions = latest_versions.including(samples.event(cancelled, version=version))
    assert set(latest_versions.by_kind) == {"renewal_cancelled", *(f"renewal_cancelled r-{n}" for n in range(11, 31))}


def test_the_latest_versions_keep_the_newest_version_of_each_kind() -> None:
    latest_versions = LatestVersions()
    for version in (3, 9, 5):
        latest_versions = latest_versions.including(samples.event(samples.renewed, version=version))
    latest_versions = latest_versions.including(samples.event(samples.expired, version=4))
    assert latest_versions.by_kind == {"renewed": 9, "expired": 4}


@pytest.mark.rule("R25")
@cases(
    ("attempt", "last", "told", "repeats"),
    [
        (1, False, "134.25", False),
        (2, False, "134.25", True),
        (2, False, "134.24", False),
        (2, False, None, False),
        (9, True, "134.25", False),
    ],
)
def test_a_failed_deduction_is_told_first_last_and_with_another_shortfall(
    attempt: int, last: bool, told: str | None, repeats: bool
) -> None:
    next_attempt_at = None if last else samples.NOON + timedelta(days=1)
    failed = replace(samples.failed, attempt=attempt, shortfall=Decimal("134.25"), next_attempt_at=next_attempt_at)
    assert says_nothing_new(failed, Decimal(told) if told else None) is repeats


def test_nothing_else_can_say_nothing_new() -> None:
    others = [data for kind, data in DATA.items() if kind != "auto_renewal_failed"]
    assert len(others) == len(CHANNELS) - 1
    assert not any(says_nothing_new(data, Decimal("134.25")) for data in others)
