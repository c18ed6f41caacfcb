"""The audit of a database, from its settings: connects, rebuilds, and lists what differs."""

from collections.abc import AsyncIterator

from shared.runtime.settings import Settings, schema_name
from shared.storage.database import connect
from subscription_service.audit.compare import Audited, audit
from subscription_service.audit.rebuild import Difference
from subscription_service.policy_files.rules import load_rules


async def audit_database(settings: Settings, audited: Audited) -> AsyncIterator[Difference]:
    """Every difference between the log and what is stored; `audited` counts what was read so far.

    Policy and catalog are those that the service has with the same settings. Raises `Transient`, `OSError`, and
    `ValueError` for a policy or catalog that is none.
    """
    engine = connect(settings.database_url.get_secret_value(), schema_name("subscription", settings))
    try:
        async for difference in audit(engine, load_rules(settings), audited):
            yield difference
    finally:
        await engine.dispose()
