"""What the rows of an export mean: the data of an import, of an inventory and of a balance, or faults (R42). Pure.

Rows of CSV that follow each other and have the same account are the terms of one subscription. A JSON object has the
data of `tenure.subscription.imported.v1`, and may have `servers` and `balance` beside them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from shared.contracts.envelope import adapter
from shared.contracts.imported import SubscriptionImported
from shared.contracts.inventory import InventorySnapshot
from shared.contracts.scalars import read_instant
from shared.contracts.types import Feature, ProtectionMode
from shared.runtime.counts import counted
from subscription_service.domain import importing
from subscription_service.domain.calendar import billing_day, end_of, midnight
from subscription_service.domain.model import ServerTotals
from subscription_service.domain.policy import Rules
from subscription_service.domain.quota import fits, quota_of
from tenure.import_files import Fault, Row

CONTACT: Final = ("name", "email", "locale", "time_zone")
QUANTITIES: Final = ("protected_servers", "cores")
TERM: Final = ("order_id", "starts_at", "months", "expires_on", "edition")
OPTIONAL: Final = ("import_id", "locale", "time_zone", "anchor_day", "protection_mode", *QUANTITIES)
EXTRA: Final = ("auto_renewal_months", "declined", "balance", "currency")
SUBSCRIPTION_COLUMNS: Final = frozenset(
    {"account_id", "name", "email", *TERM, *OPTIONAL, *EXTRA, *(feature.value for feature in Feature)}
)
NEEDED_COLUMNS: Final = ("account_id", "name", "email", *TERM)
NEEDED_SERVER_COLUMNS: Final = ("account_id", "server_id", "cores")
SERVER_COLUMNS: Final = (*NEEDED_SERVER_COLUMNS, "bound")
_FEATURES: Final = tuple(feature.value for feature in Feature)
_LONGEST_NUMBER: Final = 18
_MONEY: Final = re.compile(r"(?P<minus>-?)[0-9]{1,15}(\.[0-9]{1,2})?")
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
_COLUMN_OF: Final = {"cycle_months": "auto_renewal_months"}
_ALSO_TAKEN: Final = {"starts_at": ", or a day as YYYY-MM-DD"}
"""By columns of CSV, beside what the contract takes."""


class CheckedRow(NamedTuple):
    """One subscription that is to be taken over, as its events say it. `row`: the first of its rows."""

    row: Row
    data: SubscriptionImported
    balance: str | None


def subscription_of(rows: Sequence[Row], zone: ZoneInfo) -> tuple[Mapping[str, Any], str]:
    """The data of an import, and the text of the balance, as rows of CSV state them; nothing is checked."""
    first = rows[0].values
    terms = [_term(row.values) for row in rows]
    for before, after in zip([None, *terms], terms, strict=False):
        after["starts_at"] = _start(after["starts_at"], before, zone)
    cycle = first.get("auto_renewal_months")
    data = {
        "import_id": first.get("import_id") or first.get("account_id"),
        "account_id": first.get("account_id"),
        "contact": {name: first[name] for name in CONTACT if first.get(name)},
        "anchor_day": _number(first.get("anchor_day")) or _anchor_day(terms, zone),
        "terms": terms,
        "auto_renewal": {"cycle_months": _number(cycle)} if cycle else None,
        "declined": _flag(first.get("declined", "")),
    }
    return data, first.get("balance", "")


def checked(rows: Sequence[Row], data: Mapping[str, Any], balance: str, rules: Rules) -> Iterator[CheckedRow | Fault]:
    """The subscription, or everything that is wrong with it."""
    row, money = rows[0], _balance(rows[0], balance, rules)
    imported, faults = _imported(rows, data, rules)
    yield from faults
    if isinstance(money, Fault):
        yield money
    elif imported is not None and not faults:
        yield CheckedRow(row, imported, money)


def _imported(
    rows: Sequence[Row], data: Mapping[str, Any], rules: Rules
) -> tuple[SubscriptionImported | None, Sequence[Fault]]:
    """The event's data, None where its contract does not take them, and what is wrong with them."""
    try:
        imported: SubscriptionImported = adapter(SubscriptionImported).validate_python(data)
    except ValidationError as error:
        return None, list(_invalid(rows, error))
    return imported, [_placed(rows, *fault) for fault in importing.faults(imported, rules.policy.billing_zone)]


def inventory_of(rows: Sequence[Row]) -> Iterator[InventorySnapshot | Fault]:
    """The whole inventory of an account, of rows of CSV."""
    servers = [_server(row.values) for row in rows]
    yield from snapshot(rows, {"account_id": rows[0].values.get("account_id"), "servers": servers})


def snapshot(rows: Sequence[Row], data: Mapping[str, Any]) -> Iterator[InventorySnapshot | Fault]:
    """An inventory that its contract takes, or everything that is wrong with it."""
    try:
        yield adapter(InventorySnapshot).validate_python(data)
    except ValidationError as error:
        yield from _invalid(rows, error)


def over_bound(subscription: CheckedRow, inventory: InventorySnapshot, rules: Rules) -> Fault | None:
    """In partial mode no more is bound than was bought, or the customer would be told of it (R33)."""
    specification = subscription.data.terms[-1].specification
    if specification.protection_mode is ProtectionMode.FULL:
        return None
    bound = [server.cores for server in inventory.servers if server.bound]
    if fits(quota_of(specification, rules.catalog), ServerTotals(len(bound), sum(bound))):
        return None
    return subscription.row.fault(
        "bound", f"{counted(len(bound), 'server')} with {counted(sum(bound), 'core')} bound, more than bought"
    )


def _term(values: Mapping[str, Any]) -> dict[str, Any]:
    added = {name: _number(values[name]) for name in _FEATURES if values.get(name, "") not in ("", "0")}
    specification = {
        "edition": values.get("edition"),
        "protection_mode": values.get("protection_mode") or "full",
        **{name: _number(values.get(name) or "0") for name in QUANTITIES},
        "value_added": added,
    }
    return {
        "order_id": values.get("order_id"),
        "starts_at": values.get("starts_at", ""),
        "months": _number(values.get("months")),
        "specification": specification,
        "expires_on": values.get("expires_on"),
    }


def _start(text: str, before: Mapping[str, Any] | None, zone: ZoneInfo) -> str:
    """An instant as it is; a day is its beginning in the billing zone; nothing is the end of the term before."""
    try:
        if not text and before is not None:
            return end_of(date.fromisoformat(before["expires_on"]), zone).isoformat()
        return midnight(date.fromisoformat(text), zone).isoformat() if len(text) == len("2026-01-31") else text
    except (ValueError, TypeError, OverflowError):
        return text


def _anchor_day(terms: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> int:
    """The day of the first term's start, which counts where the last E is clamped; otherwise the day of the last E.

    Any day where these cannot be read, which is a fault of their own.
    """
    try:
        expires_on = date.fromisoformat(terms[-1]["expires_on"])
        start = billing_day(read_instant(terms[0]["starts_at"]), zone).day
    except (ValueError, TypeError, KeyError):
        return 1
    return start if importing.falls_on(expires_on, start) else expires_on.day


def _server(values: Mapping[str, Any]) -> Mapping[str, Any]:
    named = {"server_id": values.get("server_id"), "cores": _number(values.get("cores"))}
    return {**named, "bound": _flag(values.get("bound", ""))}


def _number(text: Any) -> Any:
    """A whole number; anything else as it is, so that the contract names it."""
    if not isinstance(text, str) or len(text) > _LONGEST_NUMBER:
        return text
    return int(text) if text.removeprefix("-").isdigit() and text.isascii() else text


def _flag(text: Any) -> Any:
    return _FLAGS.get(text.lower(), text) if isinstance(text, str) else text


def _balance(row: Row, text: Any, rules: Rules) -> str | Fault | None:
    """With two decimals; None where there is nothing to credit."""
    currency = row.values.get("currency") or rules.catalog.currency
    if currency != rules.catalog.currency:
        return row.fault("currency", f"expected {rules.catalog.currency}, the catalog's")
    found = _MONEY.fullmatch(text) if isinstance(text, str) else None
    if text and not found:
        return row.fault("balance", "expected an amount such as 12.50")
    if found and found["minus"] and Decimal(text):
        return row.fault("balance", "expected 0.00 or more; a debt is taken over with `tenure debit`")
    return f"{Decimal(text):.2f}" if text and Decimal(text) else None


def _invalid(rows: Sequence[Row], error: ValidationError) -> Iterator[Fault]:
    """What is wrong with a part says nothing more about the whole."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    wholes = {problem["loc"][:depth] for problem in problems for depth in range(len(problem["loc"]))}
    for problem in [each for each in problems if each["loc"] not in wholes or len(problems) == 1]:
        message = problem["msg"].removeprefix("Value error, ")
        path = ".".join(map(str, problem["loc"]))
        if not path and ": " in message:  # a contract's own sentence begins with the field
            path, _, message = message.partition(": ")
        if path != "import_id" or rows[0].values.get("import_id"):  # one that is not given is the account's
            yield _placed(rows, path, message + _also_taken(rows[0], path))


def _also_taken(row: Row, path: str) -> str:
    return _ALSO_TAKEN.get(path.rpartition(".")[2], "") if _is_csv(row) else ""


def _is_csv(row: Row) -> bool:
    """Otherwise an object of JSON lines."""
    return "terms" not in row.values and "servers" not in row.values


def _placed(rows: Sequence[Row], path: str, text: str) -> Fault:
    """The fault at the row and the column of a field such as `terms.1.months`."""
    names = path.split(".")
    number = int(names[1]) if len(names) > 1 and names[1].isdigit() else 0
    several = len(rows) > 1 and number < len(rows)
    row = rows[number] if several else rows[0]
    return row.fault(_COLUMN_OF.get(names[-1], names[-1]) if _is_csv(row) else path, text)
