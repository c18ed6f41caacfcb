"""`tenure cancel-renewal ACCOUNT ORDER --reason R`: take the last pending renewal order back (R46).

What was deducted for it returns to the balance. Exit codes: see `acting`.
"""

from typing import Annotated, Final

import typer

from tenure.acts import Act
from tenure.commands import options
from tenure.commands.acting import ActOptions, Target, acting, connect, perform

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure cancel-renewal"
Order = Annotated[str, typer.Argument(metavar="ORDER", help="The id of the renewal order.")]


@app.command()
def cancel_renewal(  # noqa: PLR0913 - one argument per option
    account: options.Account,
    order: Order,
    *,
    reason: options.Why,
    operator: options.Operator = None,
    yes: options.Yes = False,
    timeout: options.Timeout = 30,
    service: options.Service = None,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> int:
    """Take the last pending renewal order back, with a refund of what was deducted for it."""
    with acting(_COMMAND):
        client = connect(Target(service, kafka, ready_file, timeout))
        known = client.overview(account)
        act = Act(
            account=account,
            type="tenure.renewal.cancelled.v1",
            data={"order_id": order},
            question=f"Take order {order} of {account} back, which expires on {known['expires_on']} with it?",
        )
        return perform(client, act, ActOptions(reason, operator, yes, as_json), _COMMAND)
