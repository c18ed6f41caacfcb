"""Exports of an old system: files in a folder, and what they come to."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tenure.import_plan import Plan, plan
from tests.unit.domain.scenario import RULES

NOW: Final = datetime(2026, 1, 20, 4, tzinfo=UTC)
HEAD: Final = (
    "account_id,name,email,order_id,starts_at,months,expires_on,edition,protected_servers,auto_renewal_months,balance"
)
ANN: Final = "acct-1,Ann,ann@example.com,old-1,2026-01-15T01:00:00Z,1,2026-02-15,advanced,3,1,12.5"
SERVERS: Final = "account_id,server_id,cores,bound\nacct-1,s-1,4,no\nacct-1,s-2,8,no\n"


class Folder:
    """Files of an export, and what they come to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def planned(self, files: Mapping[str, str | bytes], mapped: Mapping[str, str] | None = None) -> Plan:
        for name, content in files.items():
            (self.path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return plan([self.path / name for name in files], mapped or {}, RULES, NOW)

    def faults(self, *lines: str, head: str = HEAD, **mapped: str) -> list[str]:
        """Of a file of subscriptions, without the folder's name."""
        made = self.planned({"old.csv": "\n".join([head, *lines])}, mapped)
        assert not [move for move in made.imports if made.faults and not lines]
        return [str(fault).replace(f"{self.path}/", "") for fault in made.faults]
