"""Options that several commands have, as types for Typer."""

import re
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.contracts.scalars import ID_PATTERN
from tenure.connection_options import READY_FILE

Kafka = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="The broker; otherwise TENURE_KAFKA_BOOTSTRAP_SERVERS.")
]
ReadyFile = Annotated[
    Path | None, typer.Option(metavar="F", help=f"What `tenure up` wrote; otherwise {READY_FILE}, where there is one.")
]
Database = Annotated[str | None, typer.Option(metavar="URL", help="PostgreSQL; otherwise TENURE_DATABASE_URL.")]


def account_id(given: str) -> str:
    """Raises `typer.BadParameter` for what can be none, such as an empty text."""
    return _id("an account id", given)


def any_id(given: str) -> str:
    """The id of a coupon, an order, an entry or a notification. Raises `typer.BadParameter` for what can be none."""
    return _id("an id", given)


def _id(what: str, given: str) -> str:
    if not re.fullmatch(ID_PATTERN, given):
        raise typer.BadParameter(f"{given!r}: expected {what}, 1 to 128 of A-Z a-z 0-9 . _ : -")
    return given


Account = Annotated[str, typer.Argument(metavar="ACCOUNT", parser=account_id, help="The account id.")]
Service = Annotated[
    str | None, typer.Option(metavar="URL", help="The subscription service; otherwise TENURE_SUBSCRIPTION_URL.")
]


def text(given: Any) -> Any:
    """For the callback of an option. Raises `typer.BadParameter` for what is not UTF-8: it could be stored nowhere."""
    try:
        str(given).encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("expected text in UTF-8") from None
    return given


Operator = Annotated[str | None, typer.Option(help="Who does it; otherwise the system's user.", callback=text)]


def operator_or_user(operator: str | None) -> str:
    """Who acts. Raises `typer.BadParameter` where the system has no name for its user, as in many a container."""
    try:
        return operator or getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        raise typer.BadParameter("the system's user has no name: say with --operator who does it") from None


Why = Annotated[
    str, typer.Option("--reason", help="Why it is done, 1 to 500 characters; kept for good.", callback=text)
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Timeout = Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long to wait for the result at most.")]


def one_format(context: typer.Context, given: bool) -> bool:
    """For the callback of `--json` and `--csv`. Raises `typer.BadParameter` for the second of both."""
    if given and (context.params.get("as_json") or context.params.get("as_csv")):
        raise typer.BadParameter("expected only one of --json and --csv")
    return given


Json = Annotated[bool, typer.Option("--json", help="Print JSON.", callback=one_format)]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.", callback=one_format)]
