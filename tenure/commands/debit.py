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
from tenure.commands.acting import ActOptions, Target, acting, connect, operator_of, perform

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
    str | None, typer.Option("--id", help="Id of the ledger entry; otherwise made from the act's content.")
]


@app.command()
def debit(  # noqa: PLR0913 - one argument per option
    account: options.Account,
    amount: Amount,
    *,
    reason: options.Why,
    operator: options.Operator = None,
    entry_id: EntryId = None,
    yes: options.Yes = False,
    timeout: options.Timeout = 30,
    service: options.Service = None,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> int:
    """Take money off an account's balance, which may fall below zero."""
    act_options = ActOptions(reason, operator, yes, as_json)
    with acting(_COMMAND):
        client = connect(Target(service, kafka, ready_file, timeout))
        known = client.overview(account)
        entry = entry_id or act_id("debit", account, amount, operator_of(act_options), reason)
        act = Act(
            account=account,
            type="tenure.account.debited.v1",
            data={"entry_id": entry, "amount": amount, "currency": known["currency"]},
            question=f"Take {amount} {known['currency']} off the balance of {account}, which is {known['balance']}?",
        )
        return perform(client, act, act_options, _COMMAND)
