"""`tenure cancel-renewal ACCOUNT ORDER --reason R`: take the last pending renewal order back (R46).

What was deducted for it returns to the balance. Exit codes: see `acting`.
"""

from typing import Annotated, Final

import typer

from tenure.acts import Act
from tenure.commands import options
from tenure.commands.acting import ActOptions, acting, connect, perform
from tenure.commands.option_groups import with_groups

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure cancel-renewal"
Order = Annotated[str, typer.Argument(metavar="ORDER", parser=options.any_id, help="The id of the renewal order.")]


@app.command()
@with_groups
def cancel_renewal(account: options.Account, order: Order, *, how: ActOptions) -> int:
    """Take the last pending renewal order back, with a refund of what was deducted for it."""
    with acting(_COMMAND):
        client = connect(how)
        known = client.overview(account)
        act = Act(
            account=account,
            type="tenure.renewal.cancelled.v1",
            data={"order_id": order},
            question=f"Take order {order} of {account} back, which expires on {known['expires_on']} with it?",
        )
        return perform(client, act, how, _COMMAND)
