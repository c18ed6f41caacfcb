"""Every account by its latest state document: a packed row of about 60 bytes each, and the totals over all. Pure.

Totals are kept up to date row by row, so a number of the page costs nothing to ask for. A row is unpacked only when its
account changes, or when accounts are listed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from shared.contracts.state import SubscriptionState
from shared.web.list_query import ListQuery
from subscription_service.domain.pricing import remainder, total
from tenure.ops.documents import StateDocument
from tenure.ops.renewals import ZERO, Estimates, Outlook, missing, over_quota


class AccountRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the page knows of one account.

    `fee`: the estimate of `renewals`; `over_servers`, `over_cores`: beyond quota.
    """

    state: SubscriptionState
    edition: str | None
    revision: int
    version: int
    expires_on: date | None
    retained_until: datetime | None
    auto_renewal: bool
    failing: bool
    declined: bool
    next_attempt_at: datetime | None
    fee: Decimal | None
    balance: Decimal
    over_servers: int
    over_cores: int

    @property
    def outlook(self) -> Outlook | None:
        """How its renewal stands; None where there is none to come."""
        if self.state is not SubscriptionState.ACTIVE or self.expires_on is None:
            return None
        if self.declined:
            return Outlook.DECLINED
        if not self.auto_renewal:
            return Outlook.MANUAL
        return Outlook.SHORT if self.lacking else Outlook.COVERED

    @property
    def lacking(self) -> Decimal:
        """What the balance lacks for the fee of an automatic renewal; 0.00 where it is off."""
        return missing(self.fee, self.balance) if self.auto_renewal else ZERO

    @property
    def over(self) -> bool:
        """Whether servers or cores are beyond the quota."""
        return bool(self.over_servers or self.over_cores)


class RenewalSum(msgspec.Struct):
    """Renewals of one day and outlook: how many, their fees, and what balances lack for them."""

    accounts: int = 0
    fees: Decimal = ZERO
    lacking: Decimal = ZERO


class Totals(msgspec.Struct):
    """Numbers over all accounts."""

    by_state: dict[SubscriptionState, int] = msgspec.field(default_factory=lambda: dict.fromkeys(SubscriptionState, 0))
    failing: int = 0
    over_quota: int = 0
    renewals: dict[date, dict[Outlook, RenewalSum]] = msgspec.field(default_factory=dict)

    def add(self, row: AccountRow) -> None:
        """Count an account in."""
        self._count(row, 1)
        if (outlook := row.outlook) is not None and row.expires_on is not None:
            day = self.renewals.setdefault(row.expires_on, {}).setdefault(outlook, RenewalSum())
            day.accounts += 1
            day.fees, day.lacking = total(day.fees, row.fee or ZERO), total(day.lacking, row.lacking)

    def remove(self, row: AccountRow) -> None:
        """Count an account out, as it was counted in."""
        self._count(row, -1)
        if (outlook := row.outlook) is not None and row.expires_on is not None:
            day = self.renewals[row.expires_on][outlook]
            day.accounts -= 1
            day.fees, day.lacking = remainder(day.fees, row.fee or ZERO), remainder(day.lacking, row.lacking)
            if not day.accounts:
                self._drop(row.expires_on, outlook)

    def _count(self, row: AccountRow, number: int) -> None:
        self.by_state[row.state] += number
        self.failing += number * row.failing
        self.over_quota += number * row.over

    def _drop(self, day: date, outlook: Outlook) -> None:
        del self.renewals[day][outlook]
        if not self.renewals[day]:
            del self.renewals[day]


_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(AccountRow).decode


@dataclass(slots=True)
class Accounts:
    """All accounts. `rows`: account id -> packed row."""

    estimates: Estimates
    rows: dict[str, bytes] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, account_id: str) -> AccountRow | None:
        """One account."""
        packed = self.rows.get(account_id)
        return None if packed is None else _unpack(packed)

    def update(self, document: StateDocument) -> None:
        """Take the document, unless a later revision is known."""
        before = self.get(document.account_id)
        if before is not None and before.revision >= document.revision:
            return
        if before is not None:
            self.totals.remove(before)
        row = self._row(document)
        self.totals.add(row)
        self.rows[document.account_id] = _pack(row)

    def remove(self, account_id: str) -> None:
        """Forget the account: its document was deleted from the topic."""
        before = self.get(account_id)
        if before is not None:
            self.totals.remove(before)
            del self.rows[account_id]

    def _row(self, document: StateDocument) -> AccountRow:
        switch = document.auto_renewal
        over_servers, over_cores = over_quota(document)
        live = document.state in (SubscriptionState.ACTIVE, SubscriptionState.GRACE)
        return AccountRow(
            state=document.state,
            edition=document.edition,
            revision=document.revision,
            version=document.version,
            expires_on=document.expires_on,
            retained_until=document.retained_until,
            auto_renewal=switch.enabled,
            failing=switch.failing,
            declined=document.declined,
            next_attempt_at=switch.next_attempt_at,
            fee=self.estimates.fee(document) if live else None,
            balance=document.balance,
            over_servers=over_servers,
            over_cores=over_cores,
        )


class AccountFilter(ListQuery):
    """Which accounts are meant; None for what does not matter."""

    state: SubscriptionState | None = None
    expires_from: date | None = None
    expires_to: date | None = None
    outlook: Outlook | None = None
    failing: bool | None = None
    over_quota: bool | None = None

    def matches(self, row: AccountRow) -> bool:
        """Whether the account is meant."""
        return (
            self.state in (None, row.state)
            and self.failing in (None, row.failing)
            and self.over_quota in (None, row.over)
            and self.outlook in (None, row.outlook)
            and self._in_time(row.expires_on)
        )

    def _in_time(self, expires_on: date | None) -> bool:
        if self.expires_from is None and self.expires_to is None:
            return True
        return expires_on is not None and (self.expires_from or date.min) <= expires_on <= (self.expires_to or date.max)


ListedAccount = tuple[str, AccountRow]


def order_of(listed: ListedAccount) -> tuple[date, str]:
    """Lists are in order of E, then of the account's id; accounts without E are last."""
    account_id, row = listed
    return row.expires_on or date.max, account_id


def matching(
    rows: dict[str, bytes], wanted: Callable[[AccountRow], bool], *, chunk: int = 2_000
) -> Iterator[list[ListedAccount]]:
    """The accounts that are wanted, in pieces of so many looked at, between which others may have their turn."""
    found: list[ListedAccount] = []
    for number, account_id in enumerate(list(rows), start=1):
        packed = rows.get(account_id)
        if packed is not None and wanted(row := _unpack(packed)):
            found.append((account_id, row))
        if number % chunk == 0:
            yield found
            found = []
    yield found
