"""`tenure extend ACCOUNT --days N --reason R`: let a subscription end so many days later (R47).

E as it is shown when the command asks is the one that is expected: where it has moved meanwhile the act is refused, so
that two operators cannot add up by mistake. With `--cohort NAME` in the place of the account, all that the filters
choose are extended, each once (`extend_cohort`). Exit codes: see `acting`.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from shared.runtime.counts import counted
from tenure.acts import Act, act_id
from tenure.cohorts import EXTENDED
from tenure.commands import extend_cohort, options
from tenure.commands.acting import ActOptions, acting, connect, perform
from tenure.commands.failures import Failed, failing
from tenure.commands.filters import Filters
from tenure.commands.option_groups import with_groups

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure extend"
Account = Annotated[
    str | None,
    typer.Argument(metavar="ACCOUNT", parser=options.account_id, help="The account id; none with --cohort."),
]
Days = Annotated[int, typer.Option(min=1, max=366, help="By how many days, 1 to 366.")]
Expected = Annotated[
    str | None,
    typer.Option(
        metavar="DAY", help="The E that is expected; otherwise the one that is shown now.", callback=options.text
    ),
]
CohortName = Annotated[
    str | None,
    typer.Option("--cohort", metavar="NAME", help="Extend all that the filters choose; this name again, nobody twice."),
]
Journal = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Who is in the cohort, and what became of each; else tenure-extend-NAME.csv."),
]


@app.command()
@with_groups
def extend(  # noqa: PLR0913 - one argument per option
    account: Account = None,
    *,
    days: Days,
    expected: Expected = None,
    cohort: CohortName = None,
    journal: Journal = None,
    which: Filters,
    how: ActOptions,
) -> int:
    """Let a subscription, or those of a whole cohort, end some days later; in grace it may become active again."""
    with acting(_COMMAND), failing(_COMMAND, ValueError):
        if account and not (cohort or journal or which.chosen):
            return _extend(account, days, expected, how)
        if cohort and not (account or expected):
            wanted = extend_cohort.CohortOptions(cohort, days, which.chosen, journal)
            return extend_cohort.run(wanted, how, _COMMAND)
    raise typer.BadParameter("expected either an ACCOUNT, or --cohort NAME with the filters of `tenure accounts`")


def _extend(account: str, days: int, expected: str | None, how: ActOptions) -> int:
    client = connect(how)
    shown = client.overview(account)["expires_on"]
    known = expected or shown
    if known is None:
        raise Failed(_COMMAND, f"{account} has no subscription that could be extended")
    act = Act(
        account=account,
        type=EXTENDED,
        data={
            "extension_id": act_id("extension", account, str(days), known, *how.performer),
            "days": days,
            "expected_expires_on": known,
        },
        question=f"Extend the subscription of {account}, which expires on {shown}, by {counted(days, 'day')}?",
    )
    return perform(client, act, how, _COMMAND)
