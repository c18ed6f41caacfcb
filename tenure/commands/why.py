"""`tenure why ACCOUNT`: every notification decision of an account with its reason, the oldest first.

`tenure why --csv`: those of all accounts, to be compared with what another system has told.
Addresses are masked; `next attempt` is on the service clock.
Exit code 1 when the notifier does not answer, or knows no such account.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import typer

from shared.runtime.settings import BadSettings
from tenure.commands import options
from tenure.commands.failures import failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.http_answers import NoAnswer
from tenure.notifications import decisions
from tenure.terminal import say_csv, say_json, say_table

app = typer.Typer(add_completion=False)
_COLUMNS: Final[Mapping[str, str]] = {
    "decided at": "created_at",
    "about": "kind",
    "channel": "channel",
    "status": "status",
    "attempts": "attempts",
    "next attempt": "next_attempt_at",
    "event time": "event_time",
    "code": "code",
    "recipient": "recipient",
    "recipient id": "recipient_id",
    "reason": "reason",
}
"""Heading -> field of a decision."""
_CSV_COLUMNS: Final = (
    "created_at",
    "account_id",
    "kind",
    "channel",
    "status",
    "attempts",
    "reason",
    "notification_id",
    "recipient_id",
)


@app.command()
def why(
    account: Annotated[
        str | None,
        typer.Argument(metavar="ACCOUNT", parser=options.account_id, help="The account id; with --csv optional."),
    ] = None,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
    as_csv: Annotated[
        bool,
        typer.Option("--csv", help="Print CSV; without ACCOUNT of all accounts.", callback=options.one_format),
    ] = False,
) -> None:
    """Show every notification decision of an account, with its reason."""
    if account is None and not as_csv:
        raise typer.BadParameter("without ACCOUNT only --csv is possible")
    with failing("tenure why", NotFound, NoAnswer, BadSettings):
        where = ConnectionOptions(kafka=kafka, ready_file=ready_file)
        found = list(decisions(account, settings_for(where, "TENURE_AUTH_SECRET")))[::-1]
    if as_csv:
        say_csv(_CSV_COLUMNS, ([decision.get(name) for name in _CSV_COLUMNS] for decision in found))
    elif as_json:
        say_json(found)
    else:
        say_decisions(found)


def say_decisions(found: Iterable[Mapping[str, Any]]) -> None:
    """Print decisions as a table, in their order."""
    say_table(list(_COLUMNS), [_row(decision) for decision in found])


def _row(decision: Mapping[str, Any]) -> list[str]:
    return ["" if decision.get(name) is None else str(decision[name]) for name in _COLUMNS.values()]
