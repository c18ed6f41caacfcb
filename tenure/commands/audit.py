"""`tenure audit`: rebuild all subscriptions from the lifecycle log in the database, and compare.

One line a difference and one at the end. Exit code 0: all is as it should be; 1: there are differences; 2: it could
not be looked. The service may run meanwhile.
"""

import argparse
import asyncio
import sys
from typing import Final

from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings, Settings, schema_name
from shared.storage.database import connect
from subscription_service.audit.compare import Audited, audit
from subscription_service.domain.policy import Rules
from subscription_service.policy_files.rules import load_rules
from tenure.connection_options import NotFound, add_database, add_whereabouts, settings_for
from tenure.terminal import harmless

DIFFERENCES: Final = 1
NOT_LOOKED: Final = 2
_SERVICE: Final = "subscription"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tenure audit`."""
    add_database(parser)
    add_whereabouts(parser)


def run(options: argparse.Namespace) -> int:
    """Look, and tell; the exit code."""
    try:
        settings = settings_for(options, "TENURE_DATABASE_URL")
        return DIFFERENCES if asyncio.run(_look(settings, load_rules(settings))) else 0
    except (NotFound, BadSettings, Transient, OSError, ValueError) as error:
        print(f"tenure audit: {error}", file=sys.stderr)
        return NOT_LOOKED


async def _look(settings: Settings, rules: Rules) -> int:
    """The number of differences."""
    engine = connect(settings.database_url.get_secret_value(), schema_name(_SERVICE, settings))
    audited, count = Audited(), 0
    try:
        async for found in audit(engine, rules, audited):
            count += 1
            print(harmless(f"{found.account_id}: {found.what}: {found.found} by log or rows, {found.stored} stored"))
    finally:
        await engine.dispose()
    print(f"{audited.accounts} accounts, {audited.events} lifecycle events: {count} differences")
    return count
