"""`tenure forecast --days N`: what will be deducted, expire and be released day by day, and who will fail, if nothing
changes.

`--csv` prints the days, `--json` the whole answer with the accounts that lack balance or quota; the table names them
below. With many accounts it takes a while. Exit code 1 when the subscription service does not answer, or is busy with
another forecast.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer

from shared.runtime.counts import counted
from shared.runtime.settings import BadSettings
from tenure.account_list import address_of
from tenure.commands import options
from tenure.commands.failures import failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.http_answers import NoAnswer, get, operator_headers
from tenure.terminal import complain, say, say_csv, say_json, say_table, working

app = typer.Typer(add_completion=False)
_SECONDS: Final = 900.0
_CSV_COLUMNS: Final = (
    *("day", "deducted_accounts", "deducted_amount", "failed_attempts", "failed_accounts", "failed_shortfall"),
    *("expired", "without_quota", "released", "notices", "reminders", "release_reminders"),
)
_HEAD: Final = (
    *("day", "deducted", "amount", "attempts that fail", "accounts", "lacking", "expire", "without quota", "released"),
    *("notices", "reminders", "release reminders"),
)
Days = Annotated[int, typer.Option(min=1, max=366, help="How many billing days, the present one first.")]
Named = Annotated[
    int, typer.Option(min=0, max=10_000, help="How many accounts are named at most, of each kind and day.")
]


@app.command()
def forecast(  # noqa: PLR0913 - one argument per option
    *,
    days: Days = 30,
    named: Named = 10,
    service: options.Service = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Say what will be deducted, expire and be released day by day, and who will fail, if nothing changes."""
    with failing("tenure forecast", NotFound, NoAnswer, BadSettings):
        settings = settings_for(ConnectionOptions(ready_file=ready_file), "TENURE_AUTH_SECRET")
        url = f"{address_of(service, settings)}/api/forecast?{urlencode({'days': days, 'named': named})}"
        headers = operator_headers("operator", settings)
        with working(lambda: f"working out {counted(days, 'day')}"):
            answer = get(url, headers, service="the subscription service", seconds=_SECONDS)
    if as_json:
        say_json(answer)
    elif as_csv:
        say_csv(_CSV_COLUMNS, map(_cells, answer["days"]))
    else:
        _say(answer)
    if answer["left_out"]:
        complain(f"tenure forecast: {counted(answer['left_out'], 'account')} could not be foretold")


def _say(answer: Mapping[str, Any]) -> None:
    say_table(_HEAD, [[str(cell) for cell in _cells(day)] for day in answer["days"]])
    rows = [row for day in answer["days"] for row in _shortages(day)]
    if rows:
        say("")
        say_table(("day", "account", "E", "what it lacks"), rows)
    say("")
    say(f"Amounts in {answer['currency']}; as of {answer['as_of']}, if nothing changes.")


def _cells(day: Mapping[str, Any]) -> Sequence[object]:
    deducted, failed = day["deducted"], day["failed"]
    money = (deducted["accounts"], deducted["amount"], failed["attempts"], failed["accounts"], failed["shortfall"])
    told = day["announced"]
    announced = (told["notices"], told["reminders"], told["release_reminders"])
    return (day["day"], *money, day["expired"], day["without_quota"], day["released"], *announced)


def _shortages(day: Mapping[str, Any]) -> Iterator[list[str]]:
    for one in day["short_of_balance"]:
        yield [day["day"], one["account_id"], one["expires_on"], f"balance: {one['shortfall']} of {one['fee']}"]
    for one in day["short_of_quota"]:
        lacks = ", ".join(f"{each['code']} ({each['offered']} of {each['required']})" for each in one["obstacles"])
        yield [day["day"], one["account_id"], one["expires_on"], f"quota: {lacks}"]
