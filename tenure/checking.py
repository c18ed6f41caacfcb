"""What the subscription service would find at its next start: both files, and what differs from defaults and data."""

from dataclasses import dataclass

from shared.runtime.settings import Settings, schema_name
from shared.storage.database import connect, transaction
from shared.testclock.clock import SystemClock, TestClock
from subscription_service.domain.policy import Rules
from subscription_service.policy_files.acceptance import altered_prices, effects_on_data, is_accepted
from subscription_service.policy_files.comparison import Change, changes, document, fingerprint
from subscription_service.policy_files.rules import load_rules
from subscription_service.storage import rule_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRules:
    """`from_defaults`: what the files change of our own."""

    rules: Rules
    fingerprint: str
    from_defaults: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedWithData:
    """`changes`: from what the data were made with; None where no service has started on them yet.

    `meaning`: sentences about changes that need to be accepted. `altered_prices`: why no acceptance helps; None where
    one would. `refused`: whether the next start would stop.
    """

    changes: tuple[Change, ...] | None
    meaning: tuple[str, ...] = ()
    altered_prices: str | None = None
    refused: bool = False


def check_files(settings: Settings) -> CheckedRules:
    """Read both files. Raises `BadSettings` with file, table and key of what is wrong."""
    rules = load_rules(settings)
    ours = document(rules)
    defaults = document(load_rules(settings.model_copy(update={"policy_file": None, "catalog_file": None})))
    return CheckedRules(rules=rules, fingerprint=fingerprint(ours), from_defaults=changes(defaults, ours))


async def compare_with_data(settings: Settings, checked: CheckedRules) -> ComparedWithData:
    """Compare with what the data of the settings' database were made with. Raises `Transient`."""
    engine = connect(settings.database_url.get_secret_value(), schema_name("subscription", settings))
    try:
        async with transaction(engine) as connection:
            before = await rule_changes.in_force(connection) if await rule_changes.has_table(connection) else None
            if before is None:
                return ComparedWithData(changes=None)
            now = await (SystemClock() if settings.test_clock is None else TestClock()).now(connection)
            altered = altered_prices(before, document(checked.rules), now)
            differing = changes(before, document(checked.rules))
            if not any(change.needs_acceptance for change in differing):
                return ComparedWithData(changes=differing, altered_prices=altered, refused=altered is not None)
            data = await rule_changes.affected(connection)
    finally:
        await engine.dispose()
    accepted = is_accepted(settings.accept_policy_change, checked.fingerprint)
    return ComparedWithData(
        changes=differing,
        meaning=tuple(effects_on_data(differing, data)),
        altered_prices=altered,
        refused=altered is not None or not accepted,
    )
