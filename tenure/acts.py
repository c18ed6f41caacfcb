"""Acts of an operator from the command line: what is known of the account, the event of the act, and its sending.

An act with an id of its own gets one that is made from its content, so that the same act a second time is the same
event and counts once. Its `time` is the service clock's.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from shared.runtime.settings import Settings
from tenure.account_report import history, pages_of
from tenure.event_files import BadEvent, Message, parse, why_invalid
from tenure.event_results import EventResult, Result
from tenure.http_answers import get, operator_headers
from tenure.publishing import ResultWaiter

_SERVICE: Final = "the subscription service"
_SOURCE: Final = "tenure-acts"


class Performer(NamedTuple):
    """Who acts, and why."""

    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act on one account. `type`: of its event; `data`: what its event says beside account, operator and reason;
    `question`: what it will do, for the one who is asked.
    """

    account: str
    type: str
    data: Mapping[str, Any]
    question: str


class OperatorClient:
    """Where acts are prepared and sent. `service`: URL of the subscription service; `seconds`: how long to wait."""

    def __init__(self, settings: Settings, *, service: str, seconds: float) -> None:
        self.settings = settings
        self.service = service.rstrip("/")
        self.seconds = seconds

    def overview(self, account: str) -> Mapping[str, Any]:
        """The account's state document. Raises `NoAnswer`, also where nothing is known of the account."""
        url = f"{self.service}/api/accounts/{quote(account, safe='')}"
        return get(url, operator_headers(account, self.settings), service=_SERVICE)

    def messages(self, acts: Iterable[Act], performer: Performer) -> Sequence[Message]:
        """The events of these acts. Raises `BadEvent` where one is not valid by its contract, and `NoAnswer`."""
        time = self._test_time()
        return [_message(act, performer, time) for act in acts]

    def send(self, message: Message) -> EventResult:
        """Publish an act and wait for what becomes of it. Raises `NoAnswer`, `NotSent` and `Transient`."""
        waiter = ResultWaiter(self.settings, service=self.service, seconds=self.seconds)
        [result] = asyncio.run(waiter.publish([message], acknowledged=lambda _: None))
        data = message.event["data"]
        return self.as_first_decided(result, data["account_id"], data.get("extension_id"))

    def as_first_decided(self, result: EventResult, account: str, extension: str | None) -> EventResult:
        """Where an extension came before and was refused, that refusal: a refused id is spent too (R39), so a duplicate
        is no success there. Raises `NoAnswer`.
        """
        if extension is None or result.result is not Result.DUPLICATE:
            return result
        code = next((event["data"].get("code") for event in self._about(account, extension)), None)
        return EventResult(result=Result.REJECTED, detail=code) if code else result

    def _about(self, account: str, extension: str) -> Iterator[Mapping[str, Any]]:
        """The lifecycle events about this extension, in order."""
        page = pages_of(account, self.settings.model_copy(update={"subscription_url": self.service}))
        for event in history(page):
            if extension in (event["data"].get("extension_id"), event["data"].get("order_id")):
                yield event

    def _test_time(self) -> Mapping[str, str]:
        """The `time` of an event where the test clock is on; otherwise none, and the present is filled in."""
        clock = get(f"{self.service}/health", {}, service=_SERVICE)["test_clock"]
        return {"time": clock["now"]} if clock and clock["now"] else {}


def _message(act: Act, performer: Performer, time: Mapping[str, str]) -> Message:
    data = {"account_id": act.account, **act.data, **performer._asdict()}
    message = parse({"type": act.type, "source": _SOURCE, **time, "data": data}, "the act", check=False)
    trouble = why_invalid(message)
    if trouble is not None:
        raise BadEvent(f"{trouble}. Nothing was sent.")
    return message


def act_id(kind: str, *content: str) -> str:
    """The id of an act with this content, such as `debit-5f1c…`: the same content has the same id."""
    return f"{kind}-{blake2b(chr(0).join(content).encode(), digest_size=12).hexdigest()}"
