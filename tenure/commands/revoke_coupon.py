"""`tenure revoke-coupon ACCOUNT COUPON --reason R`: take an unused coupon away (R45). Exit codes: see `acting`."""

from typing import Annotated, Final

import typer

from tenure.acts import Act
from tenure.commands import options
from tenure.commands.acting import ActOptions, Target, acting, connect, perform

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure revoke-coupon"
Coupon = Annotated[str, typer.Argument(metavar="COUPON", help="The coupon id.")]


@app.command()
def revoke_coupon(  # noqa: PLR0913 - one argument per option
    account: options.Account,
    coupon: Coupon,
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
    """Take an unused coupon away; one that is used up stays so."""
    with acting(_COMMAND):
        client = connect(Target(service, kafka, ready_file, timeout))
        client.overview(account)
        act = Act(
            account=account,
            type="tenure.coupon.revoked.v1",
            data={"coupon_id": coupon},
            question=f"Take coupon {coupon} away from {account}?",
        )
        return perform(client, act, ActOptions(reason, operator, yes, as_json), _COMMAND)
