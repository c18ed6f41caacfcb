"""What a change of policy or catalog means for data that exist, in words, and whether it was accepted. Pure."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Protocol

from subscription_service.policy_files.comparison import BILLING_ZONE, CURRENCY, Change


class AffectedData(Protocol):
    """Numbers of accounts and coupons; `balance`: the sum of all balances."""

    @property
    def subscriptions(self) -> int: ...

    @property
    def in_grace(self) -> int: ...

    @property
    def balances(self) -> int: ...

    @property
    def balance(self) -> Decimal: ...

    @property
    def coupons(self) -> int: ...


def is_accepted(answer: str | None, fingerprint: str) -> bool:
    """`answer`: the setting `TENURE_ACCEPT_POLICY_CHANGE`: `yes`, or the fingerprint of exactly these rules."""
    return answer is not None and answer.lower() in ("yes", fingerprint)


def refusal(changes: Iterable[Change], fingerprint: str, data: AffectedData) -> str:
    """Why the start stops, what the changes would mean, and how to accept them."""
    meaning = " ".join(effects_on_data(changes, data))
    return (
        f"Policy or catalog differ from what the data were made with. {meaning} Start with the files from before, or"
        f" accept the change with TENURE_ACCEPT_POLICY_CHANGE={fingerprint} (or --accept-policy-change)."
    )


def effects_on_data(changes: Iterable[Change], data: AffectedData) -> Iterator[str]:
    """One or two sentences per change that needs to be accepted."""
    for change in changes:
        if change.needs_acceptance:
            yield f"{change}. {_meaning(change, data)}"


def _meaning(change: Change, data: AffectedData) -> str:
    match change.name:
        case n if n == CURRENCY:
            return (
                f"{data.balances} balances ({data.balance:,} in all) and {data.coupons} unused coupons in"
                f" {change.before} would count as {change.after}; nothing is converted."
            )
        case n if n == BILLING_ZONE:
            return (
                f"Days and hours of {data.subscriptions} subscriptions would be counted in {change.after}; terms keep"
                " their instants, reminders, deductions and the ends of later terms move."
            )
        case _:
            return (
                f"What expires from now on would be deleted {change.before - change.after} days earlier than its"
                f" customers may expect ({data.subscriptions - data.in_grace} subscriptions are active); the"
                f" {data.in_grace} in grace keep their date."
            )
