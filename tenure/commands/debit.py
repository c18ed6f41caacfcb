"""`tenure debit ACCOUNT AMOUNT --reason R`: take money off an account's balance (R45).

The id of the debit is made from account, amount, operator and reason: the same command a second time counts once.
`--id` names another for a second debit like the first. Exit codes: see `acting`.
"""

import re
from decimal import Decimal
from typing import Annotated, Final

import typer

from tenure.acts import Act, act_id
from tenure.commands import options
from tenure.commands.acting import ActOptions, acting, connect, perform
from tenure.commands.option_groups import with_groups

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure debit"
_AMOUNT: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,2})?")


def _amount(text: str) -> str:
    """`20` as `20.00`. Raises `BadParameter` for what is no amount of money above zero."""
    if not _AMOUNT.fullmatch(text) or not Decimal(text):
        raise typer.BadParameter(f"{text!r} is no amount above 0.00 with at most two decimals")
    return f"{Decimal(text):.2f}"


Amount = Annotated[
    str, typer.Argument(metavar="AMOUNT", parser=_amount, help="What is taken off, in the catalog's currency.")
]
EntryId = Annotated[
    str | None,
    typer.Option("--id", parser=options.any_id, help="Id of the ledger entry; otherwise made from the act's content."),
]


@app.command()
@with_groups
def debit(account: options.Account, amount: Amount, *, entry_id: EntryId = None, how: ActOptions) -> int:
    """Take money off an account's balance, which may fall below zero."""
    with acting(_COMMAND):
        client = connect(how)
        known = client.overview(account)
        entry = entry_id or act_id("debit", account, amount, *how.performer)
        act = Act(
            account=account,
            type="tenure.account.debited.v1",
            data={"entry_id": entry, "amount": amount, "currency": known["currency"]},
            question=f"Take {amount} {known['currency']} off the balance of {account}, which is {known['balance']}?",
        )
        return perform(client, act, how, _COMMAND)
