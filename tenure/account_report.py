"""All that Tenure knows of one account, from both services' HTTP and the topics of dead letters.

Each part stands for itself: where a service or the broker is away, its parts are missing with the reason, and the rest
is there.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from tenure.dead_letters import DeadLetterFilter, StoredDeadLetter, choose, read_all
from tenure.http_answers import NoAnswer, get, operator_headers
from tenure.notifications import decisions

_REJECTED: Final = "tenure.subscription.order_rejected.v1"
_NO_ADDRESS: Final = "TENURE_SUBSCRIPTION_URL is not set, and no ready file tells it"
_NOT_FOUND: Final = 404


@dataclass(slots=True, kw_only=True)
class AccountReport:
    """The parts by name: `state`, `orders`, `refusals`, `waiting`, `timeline`, `notifications`, `dead_letters`.

    `missing`: part -> why it is not there. A part of which its service knows nothing is None or empty.
    """

    account_id: str
    state: Mapping[str, Any] | None = None
    orders: Sequence[Mapping[str, Any]] = ()
    refusals: Sequence[Mapping[str, Any]] = ()
    waiting: Sequence[Mapping[str, Any]] = ()
    timeline: Sequence[Mapping[str, Any]] = ()
    notifications: Sequence[Mapping[str, Any]] = ()
    dead_letters: Sequence[StoredDeadLetter] = ()
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the account."""
        return not (self.state or self.waiting or self.notifications or self.dead_letters)


def report_on(account: str, settings: Settings) -> AccountReport:
    """Ask everybody, one after the other."""
    report = AccountReport(account_id=account)
    _fill(report, _of_subscription_service(account, settings))
    _fill(report, {"notifications": lambda: list(decisions(account, settings))[::-1]})
    _fill(report, {"dead_letters": lambda: _dead_letters(account, settings)})
    return report


def _fill(report: AccountReport, parts: Mapping[str, Callable[[], Any]]) -> None:
    """Read these parts from one place; where it is away, the rest of them is not asked for."""
    away: NoAnswer | Transient | None = None
    for name, read in parts.items():
        trouble = away or _read_into(report, name, read)
        if trouble is not None:
            report.missing[name] = str(trouble)
        if isinstance(trouble, Transient) or (trouble is not None and trouble.status is None):
            away = trouble


def _read_into(report: AccountReport, name: str, read: Callable[[], Any]) -> NoAnswer | Transient | None:
    """Why a part cannot be had, if so; where its service does not know the account, the part stays empty."""
    try:
        setattr(report, name, read())
    except (NoAnswer, Transient) as trouble:
        return None if isinstance(trouble, NoAnswer) and trouble.status == _NOT_FOUND else trouble
    return None


def _of_subscription_service(account: str, settings: Settings) -> Mapping[str, Callable[[], Any]]:
    def page(path: str) -> Any:
        if settings.subscription_url is None:
            raise NoAnswer(_NO_ADDRESS)
        url = f"{settings.subscription_url.rstrip('/')}/api/accounts/{quote(account, safe='')}{path}"
        return get(url, operator_headers(account, settings), service="the subscription service")

    return {
        "state": lambda: page(""),
        "orders": lambda: page("/orders")["orders"],
        "refusals": lambda: list(_refusals(page)),
        "waiting": lambda: page("/waiting")["events"],
        "timeline": lambda: page("/timeline")["entries"],
    }


def _refusals(page: Callable[[str], Any]) -> Iterator[Mapping[str, Any]]:
    """Every refusal in the account's history, with its time."""
    after: int | None = 0
    while after is not None:
        history = page(f"/history?limit=1000&after_version={after}")
        for event in history["events"]:
            if event["type"] == _REJECTED:
                shown = ("order_id", "order_type", "code", "message", "required", "offered")
                yield {"time": event["time"], **{name: event["data"][name] for name in shown}}
        after = history["after_version"]


def _dead_letters(account: str, settings: Settings) -> Sequence[StoredDeadLetter]:
    letters = asyncio.run(read_all(settings, read=lambda _: None))
    return choose(letters, only=DeadLetterFilter(account=account))
