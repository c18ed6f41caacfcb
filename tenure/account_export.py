"""Everything that is held about the person behind an account, and what it was decided by: for a person who asks.

Read from both services' HTTP and the topics of dead letters, part by part as in `account_report`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from shared.runtime.settings import Settings
from tenure.account_report import Page, dead_letters, fill, history, pages_of
from tenure.dead_letters import StoredDeadLetter
from tenure.http_answers import get, operator_headers
from tenure.notifications import decisions, notifier_address

_MESSAGES_PER_PAGE: Final = 200


@dataclass(slots=True, kw_only=True)
class AccountExport:
    """The parts by name: `person` (contact, further recipients, events that wait and dead letters, whole), `state`,
    `orders`, `history`; `recipient` (contact, further recipients, dead letters), `notifications`, `messages`,
    `preferences` of the notifier; `dead_letters` that are on the topics of both.

    `missing`: part -> why it is not there. A part of which its service knows nothing is None or empty.
    """

    account_id: str
    person: Mapping[str, Any] | None = None
    state: Mapping[str, Any] | None = None
    orders: Sequence[Mapping[str, Any]] = ()
    history: Sequence[Mapping[str, Any]] = ()
    recipient: Mapping[str, Any] | None = None
    notifications: Sequence[Mapping[str, Any]] = ()
    messages: Sequence[Mapping[str, Any]] = ()
    preferences: Sequence[Mapping[str, Any]] = ()
    dead_letters: Sequence[StoredDeadLetter] = ()
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the account."""
        return not (self.person or self.recipient or self.state or self.dead_letters)


def export(account: str, settings: Settings) -> AccountExport:
    """Ask everybody, one after the other."""
    made = AccountExport(account_id=account)
    fill(made, _of_subscription_service(pages_of(account, settings)))
    fill(made, _of_notifier(account, settings))
    fill(made, {"dead_letters": lambda: dead_letters(account, settings)})
    return made


def _of_subscription_service(page: Page) -> Mapping[str, Callable[[], Any]]:
    return {
        "person": lambda: page("/person"),
        "state": lambda: page(""),
        "orders": lambda: page("/orders")["orders"],
        "history": lambda: list(history(page)),
    }


def _of_notifier(account: str, settings: Settings) -> Mapping[str, Callable[[], Any]]:
    path = f"/api/accounts/{quote(account, safe='')}/person"
    return {
        "recipient": lambda: _of_notifier_at(account, path, settings),
        "notifications": lambda: list(decisions(account, settings))[::-1],
        "messages": lambda: list(_messages(account, settings))[::-1],
        "preferences": lambda: _of_notifier_at(account, "/api/preferences", settings)["muted"],
    }


def _messages(account: str, settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Every internal message, the newest first."""
    query: dict[str, Any] = {"limit": _MESSAGES_PER_PAGE}
    while True:
        found = _of_notifier_at(account, f"/api/inbox?{urlencode(query)}", settings)["messages"]
        yield from found
        if len(found) < _MESSAGES_PER_PAGE:
            return
        query["before"] = found[-1]["id"]


def _of_notifier_at(account: str, path: str, settings: Settings) -> Mapping[str, Any]:
    """As an operator and as the account itself are answered: the token names both."""
    return get(notifier_address(settings) + path, operator_headers(account, settings), service="the notifier")
