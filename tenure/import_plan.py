"""Everything that the files of an export come to: the subscriptions to be taken over, or their faults. Sends nothing.

All files are read and checked as a whole before anything is sent. What is kept of a subscription are its events, as
bytes, so that hundreds of thousands fit into memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from notifier_service.content.addresses import UnusableAddress, parts_of
from shared.contracts.envelope import to_json, wire_time
from shared.contracts.imported import SubscriptionImported
from shared.contracts.inventory import InventorySnapshot
from shared.contracts.purchases import AccountCredited
from shared.contracts.types import ProtectionMode
from subscription_service.domain import importing
from subscription_service.domain.policy import Rules
from subscription_service.domain.terms import subscription_id_of
from tenure import import_rows
from tenure.import_files import Fault, Row, columns, csv_rows, is_json, json_rows, not_text
from tenure.import_rows import CheckedRow

SOURCE: Final = "/tenure-import"


class PlannedImport(NamedTuple):
    """One subscription with its events: inventory and balance where it has them. `partial`: its inventory comes after
    the import, since a binding counts only where a subscription is in partial mode (R36).
    """

    file: str
    line: int
    account_id: str
    import_id: str
    subscription_id: str
    partial: bool
    imported: bytes
    inventory: bytes | None
    credit: bytes | None


@dataclass(slots=True)
class Plan:
    """What the files come to; nothing may be sent where there are `faults`. `ignored`: file -> columns not used.

    `unreachable`: contacts that no mail can reach. They are taken over all the same, since the contract takes any text.
    """

    imports: list[PlannedImport] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    ignored: dict[str, Sequence[str]] = field(default_factory=dict)
    unreachable: list[Fault] = field(default_factory=list)


def plan(
    files: Sequence[Path],
    fields_of: Mapping[str, str],
    rules: Rules,
    now: datetime,
    *,
    read: Callable[[int], None] = lambda _: None,
) -> Plan:
    """Read and check everything. `fields_of`: column -> field; `now`: the `time` of the events (UTC); `read` is called
    with the number of subscriptions so far. Raises `OSError`.
    """
    made = _Planning(rules, now, Plan())
    kinds = [(file, _is_servers(file, fields_of)) for file in files]
    for file in [file for file, servers in kinds if servers]:
        made.add_servers(file, fields_of)
    for file in [file for file, servers in kinds if not servers]:
        for _ in made.add_subscriptions(file, fields_of):
            read(len(made.plan.imports))
    made.end()
    return made.plan


def _is_servers(file: Path, fields_of: Mapping[str, str]) -> bool:
    return not is_json(file) and "server_id" in {fields_of.get(name, name) for name in columns(file)}


class _Planning:
    def __init__(self, rules: Rules, now: datetime, plan: Plan) -> None:
        self.plan = plan
        self._rules = rules
        self._now = now
        self._inventories: dict[str, tuple[Row, InventorySnapshot]] = {}
        self._used: dict[str, str] = {}
        """Account, import and order ids that were seen -> where."""
        self._left_out = False
        """Whether a file could not be read."""

    def add_servers(self, file: Path, fields_of: Mapping[str, str]) -> None:
        needed, known = import_rows.NEEDED_SERVER_COLUMNS, import_rows.SERVER_COLUMNS
        for rows in self._by_account(self._rows(file, fields_of, needed, known)):
            if self._is_first("servers of", rows[0].values["account_id"], rows[0], "account_id"):
                for found in self._kept(import_rows.inventory_of(rows)):
                    self._inventories[found.account_id] = rows[0], found

    def add_subscriptions(self, file: Path, fields_of: Mapping[str, str]) -> Iterator[None]:
        """One step for each subscription."""
        if is_json(file):
            rows: Iterable[list[Row]] = ([row] for row in self._kept(json_rows(file)))
        else:
            needed, known = import_rows.NEEDED_COLUMNS, import_rows.SUBSCRIPTION_COLUMNS
            rows = self._by_account(self._rows(file, fields_of, needed, known))
        for each in rows:
            self._add(each, *self._data_of(each))
            yield

    def end(self) -> None:
        """What is left over has no subscription, where none can stand in what could not be read."""
        if self._left_out or any(not fault.column for fault in self.plan.faults):
            return
        for row, _ in self._inventories.values():
            self.plan.faults.append(row.fault("account_id", "no subscription of this account is in the files"))

    def _data_of(self, rows: Sequence[Row]) -> tuple[Mapping[str, Any], Any]:
        values = rows[0].values
        if "terms" not in values:
            return import_rows.subscription_of(rows, self._rules.policy.billing_zone)
        if "servers" in values:
            data = {"account_id": values.get("account_id"), "servers": values["servers"]}
            for found in self._kept(import_rows.snapshot(rows, data)):
                self._inventories[found.account_id] = rows[0], found
        return {"import_id": values.get("account_id"), **values}, values.get("balance", "")

    def _add(self, rows: Sequence[Row], data: Mapping[str, Any], balance: Any) -> None:
        account = data.get("account_id")
        inventory = self._inventories.pop(account, (None, None))[1] if isinstance(account, str) else None
        for found in self._kept(import_rows.checked(rows, data, balance, self._rules)):
            fault = import_rows.over_bound(found, inventory, self._rules) if inventory else None
            if fault is not None:
                self.plan.faults.append(fault)
            elif self._is_new(rows, found) and self._has_started(found):
                self.plan.imports.append(self._planned(found, inventory))
                self._note_unreachable(found)

    def _note_unreachable(self, found: CheckedRow) -> None:
        try:
            parts_of(found.data.contact.email)
        except UnusableAddress as unusable:
            self.plan.unreachable.append(found.row.fault("email", f"no mail can reach the contact: {unusable}"))

    def _has_started(self, found: CheckedRow) -> bool:
        fault = importing.not_started(found.data.terms, self._now)
        if fault is not None:
            self.plan.faults.append(found.row.fault("starts_at", fault[1]))
        return fault is None

    def _is_new(self, rows: Sequence[Row], found: CheckedRow) -> bool:
        data, first = found.data, found.row
        own = self._is_first("account", data.account_id, first, "account_id")
        if own or first.values.get("import_id"):  # one that is not given is the account's
            own &= self._is_first("import", data.import_id, first, "import_id")
        for number, term in enumerate(data.terms):
            own &= self._is_first("order", term.order_id, rows[min(number, len(rows) - 1)], "order_id")
        return own

    def _is_first(self, kind: str, value: Any, row: Row, column: str) -> bool:
        """Every id stands in one place only; the rows of an account follow each other."""
        here = f"{row.file}, line {row.line}"
        before = self._used.setdefault(f"{kind} {value}", here)
        if before != here:
            self.plan.faults.append(row.fault(column, f"{value} stands in {before} already"))
        return before == here

    def _by_account(self, rows: Iterable[Row | Fault]) -> Iterator[list[Row]]:
        for _, group in groupby(self._kept(rows), key=lambda row: row.values.get("account_id")):
            yield list(group)

    def _kept(self, found: Iterable[Any]) -> Iterator[Any]:
        """What is no fault; faults are noted."""
        for each in found:
            if isinstance(each, Fault):
                self.plan.faults.append(each)
            else:
                yield each

    def _rows(
        self, file: Path, fields_of: Mapping[str, str], needed: Iterable[str], known: Iterable[str]
    ) -> Iterable[Row | Fault]:
        """The rows of a CSV file; only what is wrong with the file as a whole, where that keeps its rows from being
        understood.
        """
        fault = not_text(file)
        wrong = [fault] if fault else list(_faults_of_head(file, fields_of, needed))
        self._left_out |= bool(wrong)
        ignored = [] if fault else [name for name in columns(file) if fields_of.get(name, name) not in set(known)]
        if ignored:
            self.plan.ignored[str(file)] = ignored
        return wrong or csv_rows(file, fields_of)

    def _planned(self, found: CheckedRow, inventory: InventorySnapshot | None) -> PlannedImport:
        data = found.data
        return PlannedImport(
            file=found.row.file,
            line=found.row.line,
            account_id=data.account_id,
            import_id=data.import_id,
            subscription_id=subscription_id_of(data.terms[0].order_id),
            partial=self._in_force(data) is ProtectionMode.PARTIAL,
            imported=self._event("tenure.subscription.imported.v1", data, data.import_id),
            inventory=self._event("tenure.inventory.snapshot.v1", inventory, data.import_id) if inventory else None,
            credit=self._credit(found),
        )

    def _in_force(self, data: SubscriptionImported) -> ProtectionMode:
        started = [term for term in data.terms if term.starts_at <= self._now]
        return started[-1].specification.protection_mode

    def _credit(self, found: CheckedRow) -> bytes | None:
        """The entry's id is the import's, so that a balance counts once, whatever a later run says of it."""
        if found.balance is None:
            return None
        credited = AccountCredited(
            entry_id="import-" + _digest(found.data.import_id.encode()),
            account_id=found.data.account_id,
            amount=Decimal(found.balance),
            currency=self._rules.catalog.currency,
        )
        return self._event("tenure.account.credited.v1", credited, found.data.import_id)

    def _event(
        self, event_type: str, data: SubscriptionImported | InventorySnapshot | AccountCredited, import_id: str
    ) -> bytes:
        """Its id is made from the import's id and the content: an equal row is the same event, a corrected one not."""
        content = to_json(data)
        attributes = {
            "specversion": "1.0",
            "id": "import-" + _digest(event_type.encode(), import_id.encode(), content),
            "source": SOURCE,
            "type": event_type,
            "time": wire_time(self._now),
            "subject": data.account_id,
        }
        return to_json(attributes)[:-1] + b',"data":' + content + b"}"


def _faults_of_head(file: Path, fields_of: Mapping[str, str], needed: Iterable[str]) -> Iterator[Fault]:
    fields = [fields_of.get(name, name) for name in columns(file)]
    for number, name in enumerate(fields):
        if name in fields[:number]:
            yield Fault(str(file), 1, name, "stands in the head twice")
    for name in needed:
        if name not in fields:
            yield Fault(str(file), 1, name, "is missing; --map COLUMN=FIELD names another")


def _digest(*content: bytes) -> str:
    return blake2b(b"\0".join(content), digest_size=16).hexdigest()
