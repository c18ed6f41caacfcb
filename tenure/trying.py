"""What the subscription service says an event would lead to, if it came now."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from shared.runtime.settings import Settings
from tenure.event_files import BadEvent, Message
from tenure.http_answers import NoAnswer, operator_headers, post

_SERVICE: Final = "the subscription service"


def tried(message: Message, settings: Settings, *, service: str) -> Mapping[str, Any]:
    """The service's answer. Raises `BadEvent` where the message is no event about an account, or none that its contract
    takes, and `NoAnswer`.
    """
    event = message.event if isinstance(message.event, dict) else {}
    account, data = event.get("subject"), event.get("data")
    if not isinstance(account, str) or not isinstance(data, dict):
        raise BadEvent(f"{message.place}: an event with `subject` and `data` is needed")
    url = f"{service}/api/accounts/{quote(account, safe='')}/try"
    document = {"type": event.get("type"), "data": data}
    try:
        return post(url, document, operator_headers(account, settings), service=_SERVICE)
    except NoAnswer as refused:
        if refused.status is None:
            raise
        raise BadEvent(f"{message.place}: {refused}") from None


def sentences(answer: Mapping[str, Any]) -> list[str]:
    """Each lifecycle event that would follow, in words, and the state afterwards."""
    told = [f"{_kind(event)}: {_about(event['data'])}".removesuffix(": ") for event in answer["events"]]
    state = answer["state"]
    return [*told, f"afterwards: {_state(state)}"] if state else told


def _kind(event: Mapping[str, Any]) -> str:
    return str(event["type"]).split(".")[2]


def _about(data: Mapping[str, Any]) -> str:
    if "message" in data:
        values = [f"{name} {data[name]}" for name in ("required", "offered") if data[name] is not None]
        return " ".join([data["message"], f"({', '.join(values)})" if values else ""]).strip()
    shown = [f"{word} {data[name]}" for name, word in _WORDS.items() if data.get(name) is not None]
    if data.get("price_difference") is not None:
        shown.append(_difference(data["price_difference"], data["currency"]))
    return ", ".join(shown)


def _difference(amount: str, currency: str) -> str:
    direction = "less" if amount.startswith("-") else "more"
    return f"{amount.removeprefix('-')} {currency} {direction} for the rest of the term"


def _state(state: Mapping[str, Any]) -> str:
    parts = [state["state"], f"E {state['expires_on']}" if state["expires_on"] else ""]
    return ", ".join([*filter(None, parts), f"balance {state['balance']} {state['currency']}"])


_WORDS: Final = {
    "expires_on": "E",
    "charged": "charged",
    "fee": "fee",
    "discount": "discount",
    "shortfall": "lacking",
    "balance_after": "balance then",
    "refunded": "refunded",
    "retained_until": "retained until",
    "effective_on": "from",
    "next_attempt_at": "next attempt",
}
"""Field of a lifecycle event -> the word before its value."""
