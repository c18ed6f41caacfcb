"""`tenure accounts [filters]`: the accounts that the filters fit, in the order of E and id, those without E last.

The table shows the first of them, `--json` and `--csv` all, unless `--limit` says how many.
Exit code 1 when the subscription service does not answer, or refuses a filter.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated, Any, Final

import typer

from shared.runtime.settings import BadSettings
from tenure import account_list
from tenure.commands import options
from tenure.commands.failures import failing
from tenure.commands.filters import Filters
from tenure.commands.option_groups import with_groups
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.http_answers import NoAnswer
from tenure.terminal import complain, say_csv, say_json_array, say_table

app = typer.Typer(add_completion=False)
_IN_A_TABLE: Final = 100
_COLUMNS: Final = ("account_id", "state", "edition", "expires_on", "ends_at", "auto_renewal", "failing", "declined")
_CSV_COLUMNS: Final = (*_COLUMNS, "balance", "contact_name")
_HEAD: Final = ("account", "state", "edition", "E", "automatic renewal", "balance", "contact")
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many; otherwise a table has 100.")]


@app.command()
@with_groups
def accounts(  # noqa: PLR0913 - one argument per option
    *,
    which: Filters,
    limit: Limit = None,
    service: options.Service = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """List accounts by state, edition, E and switches, those that expire first before the others."""
    filters = which.chosen
    with failing("tenure accounts", NotFound, NoAnswer, BadSettings):
        settings = settings_for(ConnectionOptions(ready_file=ready_file), "TENURE_AUTH_SECRET")
        found = account_list.accounts(filters, settings, service=account_list.address_of(service, settings))
        if as_csv:
            say_csv(_CSV_COLUMNS, (_cells(each) for each in islice(found, limit)))
        elif as_json:
            say_json_array(islice(found, limit))
        else:
            _say_table(found, limit or _IN_A_TABLE)


def _say_table(found: Iterable[Mapping[str, Any]], limit: int) -> None:
    first = list(islice(found, limit + 1))
    say_table(_HEAD, [_row(each) for each in first[:limit]])
    if len(first) > limit:
        complain("There are more; --limit N shows more of them, --csv and --json all.")


def _cells(listed: Mapping[str, Any]) -> list[object]:
    values = (listed[name] for name in _CSV_COLUMNS)
    return [str(value).lower() if isinstance(value, bool) else value for value in values]


def _row(listed: Mapping[str, Any]) -> list[str]:
    shown = (listed["account_id"], listed["state"], listed["edition"], listed["expires_on"], _switch(listed))
    return ["-" if each is None else str(each) for each in (*shown, listed["balance"], listed["contact_name"])]


def _switch(listed: Mapping[str, Any]) -> str:
    if listed["declined"]:
        return "declined"
    if not listed["auto_renewal"]:
        return "off"
    return "failing" if listed["failing"] else "on"
