"""All that Tenure knows of one account, from both services' HTTP and the topics of dead letters.

Each part stands for itself: where a service or the broker is away, its parts are missing with the reason, and the rest
is there.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import quote

from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from tenure.dead_letters import DeadLetterFilter, StoredDeadLetter, choose, read_all
from tenure.http_answers import NoAnswer, get, operator_headers
from tenure.notifications import decisions

_REJECTED: Final = "tenure.subscription.order_rejected.v1"
_NO_ADDRESS: Final = "TENURE_SUBSCRIPTION_URL is not set, and no ready file tells it"
_NOT_FOUND: Final = 404

Page: TypeAlias = Callable[[str], Any]
"""The rest of a path of the account -> what is answered there."""


class PartialReport(Protocol):
    """What is read part by part, each into its field; `missing`: part -> why it is not there."""

    missing: dict[str, str]


@dataclass(slots=True, kw_only=True)
class AccountReport:
    """The parts by name: `state`, `recipients`, `orders`, `refusals`, `waiting`, `timeline`, `notifications`,
    `dead_letters`.

    `missing`: part -> why it is not there. A part of which its service knows nothing is None or empty.
    """

    account_id: str
    state: Mapping[str, Any] | None = None
    recipients: Sequence[Mapping[str, Any]] = ()
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
    fill(report, _of_subscription_service(pages_of(account, settings)))
    fill(report, {"notifications": lambda: list(decisions(account, settings))[::-1]})
    fill(report, {"dead_letters": lambda: dead_letters(account, settings)})
    return report


def fill(report: PartialReport, parts: Mapping[str, Callable[[], Any]]) -> None:
    """Read these parts from one place; where it is away, the rest of them is not asked for."""
    away: NoAnswer | Transient | None = None
    for name, read in parts.items():
        trouble = away or _read_into(report, name, read)
        if trouble is not None:
            report.missing[name] = str(trouble)
        if isinstance(trouble, Transient) or (trouble is not None and trouble.status is None):
            away = trouble


def _read_into(report: PartialReport, name: str, read: Callable[[], Any]) -> NoAnswer | Transient | None:
    """Why a part cannot be had, if so; where its service does not know the account, the part stays empty."""
    try:
        setattr(report, name, read())
    except (NoAnswer, Transient) as trouble:
        return None if isinstance(trouble, NoAnswer) and trouble.status == _NOT_FOUND else trouble
    return None


def pages_of(account: str, settings: Settings) -> Page:
    """What answers with the page of the account below this path. Raises `NoAnswer`."""

    def page(path: str) -> Any:
        if settings.subscription_url is None:
            raise NoAnswer(_NO_ADDRESS)
        url = f"{settings.subscription_url.rstrip('/')}/api/accounts/{quote(account, safe='')}{path}"
        return get(url, operator_headers(account, settings), service="the subscription service")

    return page


def _of_subscription_service(page: Page) -> Mapping[str, Callable[[], Any]]:
    return {
        "state": lambda: page(""),
        "recipients": lambda: page("/person")["recipients"],
        "orders": lambda: page("/orders")["orders"],
        "refusals": lambda: list(_refusals(page)),
        "waiting": lambda: page("/waiting")["events"],
        "timeline": lambda: page("/timeline")["entries"],
    }


def _refusals(page: Page) -> Iterator[Mapping[str, Any]]:
    """Every refusal in the account's history, with its time."""
    for event in history(page):
        if event["type"] == _REJECTED:
            shown = ("order_id", "order_type", "code", "message", "required", "offered")
            yield {"time": event["time"], **{name: event["data"][name] for name in shown}}


def history(page: Page) -> Iterator[Mapping[str, Any]]:
    """Every lifecycle event of the account, in order."""
    after: int | None = 0
    while after is not None:
        events = page(f"/history?limit=1000&after_version={after}")
        yield from events["events"]
        after = events["after_version"]


def dead_letters(account: str, settings: Settings) -> Sequence[StoredDeadLetter]:
    """Those of the account that are still on their topics. Raises `Transient`."""
    letters = asyncio.run(read_all(settings, read=lambda _: None))
    return choose(letters, only=DeadLetterFilter(account=account))
