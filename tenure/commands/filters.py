"""Options that choose accounts as `/api/accounts` does: for every command that is about more than one of them."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import typer

from shared.contracts.state import SubscriptionState
from tenure.commands.options import text

State = Annotated[SubscriptionState | None, typer.Option(help="Only subscriptions in this state.")]
Edition = Annotated[str | None, typer.Option(help="Only this edition in force; `basic` after release.", callback=text)]
ExpiresFrom = Annotated[
    str | None, typer.Option(metavar="DAY", help="Only with E on this day or later.", callback=text)
]
ExpiresTo = Annotated[
    str | None, typer.Option(metavar="DAY", help="Only with E on this day or earlier.", callback=text)
]
AutoRenewal = Annotated[
    bool | None, typer.Option("--auto-renewal/--no-auto-renewal", help="Only with automatic renewal on, or off.")
]
Failing = Annotated[
    bool | None, typer.Option("--failing/--not-failing", help="Only with a failed deduction, or only the others.")
]
Declined = Annotated[
    bool | None, typer.Option("--declined/--not-declined", help="Only with the renewal declined, or only the others.")
]


class Filters(NamedTuple):
    """Which accounts. A group of `option_groups`."""

    state: State = None
    edition: Edition = None
    expires_from: ExpiresFrom = None
    expires_to: ExpiresTo = None
    auto_renewal: AutoRenewal = None
    failing: Failing = None
    declined: Declined = None

    @property
    def chosen(self) -> Mapping[str, str]:
        """The options that were given, by their names, as parameters of `/api/accounts`.

        Raises `typer.BadParameter` for days that no E can lie between.
        """
        if self.expires_from and self.expires_to and self.expires_from > self.expires_to:
            raise typer.BadParameter(f"--expires-from {self.expires_from} is after --expires-to {self.expires_to}")
        return {name: str(value).lower() for name, value in self._asdict().items() if value is not None}
