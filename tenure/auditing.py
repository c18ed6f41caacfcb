"""The audit of a database, from its settings: connects, rebuilds, and lists what differs."""

from collections.abc import AsyncGenerator

from shared.runtime.settings import BadSettings, Settings, schema_name
from shared.storage.database import Engine, connect, transaction
from subscription_service.audit.compare import Audited, audit
from subscription_service.audit.rebuild import Difference
from subscription_service.domain.policy import Rules
from subscription_service.policy_files.comparison import changes, document
from subscription_service.policy_files.rules import load_rules
from subscription_service.storage import rule_changes


async def audit_database(settings: Settings, audited: Audited) -> AsyncGenerator[Difference, None]:
    """Every difference between the log and what is stored; `audited` counts what was read so far.

    Policy and catalog are those that the service has with the same settings. Raises `Transient`, `OSError`,
    `ValueError` for a policy or catalog that is none, and `BadSettings` for those of other data.
    """
    engine = connect(settings.database_url.get_secret_value(), schema_name("subscription", settings))
    try:
        rules = load_rules(settings)
        await _check_rules(engine, rules)
        async for difference in audit(engine, rules, audited):
            yield difference
    finally:
        await engine.dispose()


async def _check_rules(engine: Engine, rules: Rules) -> None:
    """Raises `BadSettings` where the data were made with another billing zone or other prices: all would differ."""
    async with transaction(engine) as connection:
        made_with = await rule_changes.in_force(connection) if await rule_changes.has_table(connection) else None
    differing = [change for change in changes(made_with or {}, document(rules)) if change.alters_orders]
    if differing:
        raise BadSettings(
            f"The data were made with another policy or catalog ({'; '.join(map(str, differing))}):"
            " set TENURE_POLICY_FILE and TENURE_CATALOG_FILE as the service has them."
        )
