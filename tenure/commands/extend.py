"""`tenure extend ACCOUNT --days N --reason R`: let a subscription end so many days later (R47).

E as it is shown when the command asks is the one that is expected: where it has moved meanwhile the act is refused, so
that two operators cannot add up by mistake. Exit codes: see `acting`.
"""

from typing import Annotated, Final

import typer

from tenure.acts import Act, act_id
from tenure.commands import options
from tenure.commands.acting import ActOptions, Target, acting, connect, operator_of, perform
from tenure.commands.failures import Failed

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure extend"
Days = Annotated[int, typer.Option(min=1, max=366, help="By how many days, 1 to 366.")]
Expected = Annotated[
    str | None, typer.Option(metavar="DAY", help="The E that is expected; otherwise the one that is shown now.")
]


@app.command()
def extend(  # noqa: PLR0913 - one argument per option
    account: options.Account,
    *,
    days: Days,
    reason: options.Why,
    expected: Expected = None,
    operator: options.Operator = None,
    yes: options.Yes = False,
    timeout: options.Timeout = 30,
    service: options.Service = None,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> int:
    """Let a subscription end some days later; in grace it may become active again."""
    act_options = ActOptions(reason, operator, yes, as_json)
    with acting(_COMMAND):
        client = connect(Target(service, kafka, ready_file, timeout))
        shown = client.overview(account)["expires_on"]
        known = expected or shown
        if known is None:
            raise Failed(_COMMAND, f"{account} has no subscription that could be extended")
        act = Act(
            account=account,
            type="tenure.subscription.extended.v1",
            data={
                "extension_id": act_id("extension", account, str(days), known, operator_of(act_options), reason),
                "days": days,
                "expected_expires_on": known,
            },
            question=f"Extend the subscription of {account}, which expires on {shown}, by {days} days?",
        )
        return perform(client, act, act_options, _COMMAND)
