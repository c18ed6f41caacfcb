"""`tenure revoke-coupon ACCOUNT COUPON --reason R`: take an unused coupon away (R45). Exit codes: see `acting`."""

from typing import Annotated, Final

import typer

from tenure.acts import Act
from tenure.commands import options
from tenure.commands.acting import ActOptions, acting, connect, perform
from tenure.commands.option_groups import with_groups

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure revoke-coupon"
Coupon = Annotated[str, typer.Argument(metavar="COUPON", parser=options.any_id, help="The coupon id.")]


@app.command()
@with_groups
def revoke_coupon(account: options.Account, coupon: Coupon, *, how: ActOptions) -> int:
    """Take an unused coupon away; one that is used up stays so."""
    with acting(_COMMAND):
        client = connect(how)
        client.overview(account)
        act = Act(
            account=account,
            type="tenure.coupon.revoked.v1",
            data={"coupon_id": coupon},
            question=f"Take coupon {coupon} away from {account}?",
        )
        return perform(client, act, how, _COMMAND)
