"""`tenure erase ACCOUNT --reason R`: forget the person behind an account (R48); it cannot be undone.

Exit codes: see `acting`.
"""

from typing import Final

import typer

from tenure.acts import Act
from tenure.commands import options
from tenure.commands.acting import ActOptions, acting, connect, perform
from tenure.commands.option_groups import with_groups

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure erase"


@app.command()
@with_groups
def erase(account: options.Account, *, how: ActOptions) -> int:
    """Forget the person behind an account: contact, messages, mails that wait. The subscription goes on."""
    with acting(_COMMAND):
        client = connect(how)
        known = client.overview(account)
        act = Act(
            account=account,
            type="tenure.account.erased.v1",
            data={},
            question=f"Forget the person behind {account} for good? Its state stays {known['state']}.",
        )
        return perform(client, act, how, _COMMAND)
