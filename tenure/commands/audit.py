"""`tenure audit`: rebuild all subscriptions from the lifecycle log in the database, and compare.

One line per difference, and a summary. Exit code 0: no difference; 1: there are differences; 2: the audit could not be
made. The service may run meanwhile.
"""

import asyncio
from contextlib import aclosing
from dataclasses import asdict
from typing import Final

import typer

from shared.runtime.counts import counted
from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings, Settings
from subscription_service.audit.compare import Audited
from subscription_service.audit.rebuild import Difference
from tenure.auditing import audit_database
from tenure.commands import options
from tenure.commands.failures import failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.terminal import harmless, say, say_json, working

DIFFERENCES: Final = 1
NOT_AUDITED: Final = 2

app = typer.Typer(add_completion=False)


@app.command()
def audit(
    database: options.Database = None,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> int:
    """Rebuild all subscriptions from the lifecycle log and compare them with what is stored."""
    audited = Audited()
    with failing("tenure audit", NotFound, BadSettings, Transient, OSError, ValueError, exit_code=NOT_AUDITED):
        where = ConnectionOptions(database=database, kafka=kafka, ready_file=ready_file)
        settings = settings_for(where, "TENURE_DATABASE_URL")
        with working(lambda: str(audited)):
            found = asyncio.run(_audit(settings, audited, tell=not as_json))
    if as_json:
        differences = [{name: str(value) for name, value in asdict(each).items()} for each in found]
        say_json({"accounts": audited.accounts, "events": audited.events, "differences": differences})
    else:
        say(f"{audited}: {counted(len(found), 'difference')}")
    return DIFFERENCES if found else 0


async def _audit(settings: Settings, audited: Audited, *, tell: bool) -> list[Difference]:
    """The differences; `tell` prints each as it is found."""
    found = []
    async with aclosing(audit_database(settings, audited)) as differences:
        async for each in differences:
            found.append(each)
            if tell:
                say(harmless(f"{each.account_id}: {each.what}: {each.found} by log or rows, {each.stored} stored"))
    return found
