"""The operators' HTTP API for trying an event: `POST /api/accounts/{account_id}/try`.

What is tried is decided by `trying`; here are the shapes, and what of an event cannot be tried.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from shared.contracts.envelope import to_json
from shared.contracts.fields import described
from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.scalars import Id
from shared.contracts.state import Overview
from shared.contracts.unreadable import Reason, Unreadable
from shared.storage.database import Engine, snapshot, transaction
from shared.testclock.clock import Clock
from shared.web.operators import operators_router
from shared.web.problems import Problem
from subscription_service.domain.policy import Rules
from subscription_service.http import shapes
from subscription_service.receipts import FOR_A_PURCHASE, Receipt, ReceiptOutcome
from subscription_service.trying import Tried, event_now, try_event


class EventToTry(BaseModel):
    """An event in; its other attributes may be there and mean nothing, since it comes now."""

    type: Annotated[str, described("Its type.", "tenure.renewal.ordered.v1")]
    data: Annotated[
        dict[str, Any],
        described(
            "Its data, by the contract of the type; `account_id` may be left out.",
            {"order_id": "ord-20260212-0007", "duration_months": 12, "terms_accepted": True},
        ),
    ]


class TriedDocument(BaseModel):
    """What would follow; `refusal` and `waits` follow from `outcome` and `detail`."""

    events: Annotated[
        Sequence[shapes.TriedEvent],
        described("Lifecycle events in order, those of what is due before the event too."),
    ]
    state: Annotated[Overview | None, described("State document then; null where nothing would be known.")]
    refusal: Annotated[
        RejectionCode | Reason | None,
        described("Why it would be refused, or become a dead letter; null otherwise.", "terms_not_accepted"),
    ]
    waits: Annotated[bool, described("Whether it would wait for a purchase of the account (R40).", False)]
    outcome: Annotated[ReceiptOutcome, described("What would become of it.", "applied")]
    detail: Annotated[str, described("Code of a refusal, or reason and detail of a dead letter; may be empty.", "")]


def router(engine: Engine, clock: Clock, rules: Rules) -> APIRouter:
    """`/api/accounts/{account_id}/try`."""
    made = operators_router("/api/accounts/{account_id}", "accounts")

    @made.post("/try", response_model=TriedDocument)
    async def try_(account_id: Id, event: EventToTry) -> Response:
        """What an event would lead to if it came now, by the code that decides. Nothing is stored, no id is spent."""
        async with transaction(engine) as connection:
            now = await clock.now(connection)
        data: Mapping[str, Any] = {"account_id": account_id, **event.data}
        try:
            incoming = event_now(event.type, data, account_id=account_id, now=now, rules=rules)
        except Unreadable as unreadable:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, f"{unreadable.detail}.", code=unreadable.reason.value
            ) from None
        async with snapshot(engine) as connection:
            tried = await try_event(connection, incoming, now=now, rules=rules)
        return Response(_document(tried), media_type="application/json")

    return made


def _document(tried: Tried) -> bytes:
    """A `TriedDocument`, its events as they would be published."""
    waits = tried.receipt.outcome is ReceiptOutcome.WAITING and tried.receipt.detail == FOR_A_PURCHASE
    rest = {
        "state": tried.state,
        "refusal": RejectionCode.NOT_SUBSCRIBED if waits else _refusal(tried.receipt),
        "waits": waits,
        "outcome": tried.receipt.outcome,
        "detail": tried.receipt.detail,
    }
    return b'{"events":[%b],%b' % (b",".join(tried.events), to_json(rest)[1:])


def _refusal(receipt: Receipt) -> str | None:
    """The code of a rejection, or the reason of a dead letter."""
    if receipt.outcome not in (ReceiptOutcome.REJECTED, ReceiptOutcome.DEAD_LETTER):
        return None
    return receipt.detail.partition(":")[0]
