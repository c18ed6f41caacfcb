"""The operators' HTTP of one mail: as it was sent, and sent once more."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from notifier_service.decisions.notification import NotificationStatus
from notifier_service.decisions.plan import notification_id as id_of
from notifier_service.log_lines import MAIL_RESENT
from notifier_service.storage import bounces, kept_mails, recipients, resends
from notifier_service.storage.kept_mails import KeptMail
from notifier_service.storage.resends import Resend
from notifier_service.storage.signals import Signal
from notifier_service.unit_of_work import UnitOfWork
from shared.contracts.fields import NotificationId, described
from shared.contracts.outcomes import Channel
from shared.contracts.scalars import Id
from shared.runtime.components import ServiceContext
from shared.storage.database import Connection, transaction
from shared.web.auth import OperatorCaller
from shared.web.operators import operators_router
from shared.web.problems import Problem

_OPEN: Final = (NotificationStatus.QUEUED, NotificationStatus.SENDING)
_MAIL: Final = "message/rfc822"


class ResendRequest(BaseModel):
    """Who asks for a resend; without it the token's `sub`."""

    operator: Annotated[
        Annotated[str, Field(min_length=1, max_length=128)] | None, described("Who does it.", "o.perez")
    ] = None


class ResendAnswer(BaseModel):
    """The new email, which is queued."""

    notification_id: Annotated[NotificationId, described("The new notification.", "ntf-0123456789abcdef01234567")]
    resend_of: Annotated[NotificationId, described("The one that it repeats.")]


def router(context: ServiceContext) -> APIRouter:
    """`/api/notifications/{notification_id}/mail` and `…/resend`."""
    endpoints = _Endpoints(context)
    made = operators_router(
        "/api/notifications/{notification_id}", "operators", HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT
    )
    shown: dict[int | str, Any] = {
        int(HTTPStatus.OK): {"content": {_MAIL: {"schema": {"type": "string"}}}, "description": "The mail."}
    }
    made.get("/mail", response_class=Response, responses=shown)(endpoints.mail)
    made.post("/resend", status_code=HTTPStatus.ACCEPTED)(endpoints.resend)
    return made


class _Endpoints:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def mail(self, notification_id: Id) -> Response:
        """The mail as it was handed to the relay. 404 where none is kept."""
        async with transaction(self._context.http_engine) as connection:
            kept = await _kept(connection, notification_id)
        return Response(kept.content, media_type=_MAIL)

    async def resend(
        self, caller: OperatorCaller, notification_id: Id, asked: ResendRequest | None = None
    ) -> ResendAnswer:
        """Tell the same event once more, as a new email to the address of now. 409 while the old one has not ended."""
        operator = (asked and asked.operator) or caller.account_id
        context = self._context
        async with transaction(context.http_engine) as connection:
            # Read under the lock: an erasure (R48) takes the copy away, or finds the resend.
            await recipients.lock(connection, [(await _email(connection, notification_id)).account_id])
            kept = await _kept(connection, notification_id)
            unit_of_work = UnitOfWork(await context.clock.now(connection), context.partitions)
            new = await _resend(connection, kept, operator)
            await resends.add(connection, [new], at=unit_of_work.now)
            unit_of_work.signals.add(Signal.MAIL)
            await unit_of_work.save(connection)
        MAIL_RESENT.say(notification_id=new.notification_id, resend_of=new.resend_of)
        return ResendAnswer(notification_id=new.notification_id, resend_of=new.resend_of)


async def _email(connection: Connection, notification_id: str) -> Any:
    """As of `bounces.find`. Raises `Problem` 404."""
    found = await bounces.find(connection, notification_id)
    if found is None or found.channel != Channel.EMAIL:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such email.")
    return found


async def _kept(connection: Connection, notification_id: str) -> KeptMail:
    """Raises `Problem`: 404 without a kept mail, 409 while the email has not ended."""
    if (await _email(connection, notification_id)).status in _OPEN:
        raise Problem(HTTPStatus.CONFLICT, "The email has not ended yet: it waits, or is just being sent.")
    kept = await kept_mails.load(connection, notification_id)
    if kept is None:
        raise Problem(HTTPStatus.NOT_FOUND, "No copy of this email is kept: it was never sent, or too long ago.")
    return kept


async def _resend(connection: Connection, kept: KeptMail, operator: str) -> Resend:
    """The new notification; its id is made of the old one's and of how often that was sent before."""
    again = await resends.count(connection, kept.notification_id) + 1
    old = await resends.recipient_of(connection, kept.notification_id)
    return Resend(
        notification_id=id_of(f"{kept.notification_id}:{again}", Channel.EMAIL),
        resend_of=kept.notification_id,
        event=kept.event,
        recipient=old.recipient,
        recipient_id=old.recipient_id,
        operator=operator,
    )
