"""The HTTP of bounces: reports of mail that came back, from a mail server, a mail service or an operator.

Nobody has to log in whose report shows the signature that the mail had carried; without one an operator's token is
needed. It is looked for before anything of a mail is parsed.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from notifier_service.bounces.address import address_hash, may_report
from notifier_service.bounces.report import Identity, UnreadableReport, identities, read_report
from notifier_service.content.addresses import parts_of
from notifier_service.decisions.bounce import Bounce, BounceKind
from notifier_service.decisions.recipient import recipient_contact
from notifier_service.delivery.redaction import without_addresses
from notifier_service.returned_mail import ReturnedMail
from notifier_service.storage import bounces, recipients, suppressions
from notifier_service.storage.suppressions import Suppression
from notifier_service.unit_of_work import UnitOfWork
from shared.contracts.fields import NotificationId, described
from shared.contracts.outcomes import Channel
from shared.contracts.scalars import Id
from shared.runtime.components import ServiceContext
from shared.runtime.log_lines import say_all
from shared.storage.database import Connection, transaction
from shared.web.auth import MaybeOperator, unauthorized
from shared.web.problems import Problem, problems

_PROBLEMS: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_MAIL: Final = "message/rfc822"
_JSON: Final = "application/json"
_UNSIGNED: Final = "The report does not show the signature of one of our emails, and no operator's token came with it."


def _reachable(address: str) -> str:
    """Raises `ValueError` where it is no address alone, so that nothing is listed that no mail ever goes to."""
    parts_of(address)
    return address


class BounceReport(BaseModel):
    """One report, as JSON: of an email by its id, or (operators only) of an address."""

    notification_id: Annotated[Id | None, described("The email that came back.", "ntf-0123456789abcdef01234567")] = None
    email: Annotated[
        Annotated[str, Field(min_length=3, max_length=320), AfterValidator(_reachable)] | None,
        described("The address, where the email is not known; operators only.", "ada@example.com"),
    ] = None
    kind: Annotated[BounceKind, described("How it came back.", "hard")]
    detail: Annotated[
        Annotated[str, Field(max_length=2_000)], described("What the mail server said.", "550 5.1.1 no such user")
    ] = ""
    mac: Annotated[
        Annotated[str, Field(max_length=64)] | None,
        described(
            "The signature behind the id in the envelope sender; operators need none.", "0123456789abcdef01234567"
        ),
    ] = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.notification_id is None) == (self.email is None):
            raise ValueError("give notification_id or email, one of the two")
        return self


class BounceAnswer(BaseModel):
    """What became of a report."""

    notification_id: Annotated[
        NotificationId | None, described("The email that it is about; null where none is known.")
    ]
    kind: Annotated[
        BounceKind | None, described("What it says; null where the mail has arrived, or nobody complains.", "hard")
    ]
    recorded: Annotated[bool, described("Whether it said something new; a report counts once.", True)]


def router(context: ServiceContext, returned_mail: ReturnedMail) -> APIRouter:
    """`POST /bounces`."""
    endpoints = _Endpoints(context, returned_mail)
    made = APIRouter(tags=["bounces"], responses=problems(*_PROBLEMS))
    made.post("/bounces", openapi_extra=_REQUEST_BODY)(endpoints.report)
    return made


_REQUEST_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _MAIL: {"schema": {"type": "string", "description": "A bounce (RFC 3464) or a complaint (RFC 5965)."}},
            _JSON: {"schema": BounceReport.model_json_schema()},
        },
    }
}


class _Endpoints:
    def __init__(self, context: ServiceContext, returned_mail: ReturnedMail) -> None:
        self._context = context
        self._settings = context.settings
        self._returned_mail = returned_mail

    async def report(self, request: Request, operator: MaybeOperator) -> BounceAnswer:
        """A mail that came back, or about which somebody complains. The same report counts once."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in (_MAIL, _JSON):
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send {_MAIL} or {_JSON}.")
        raw = await request.body()
        if media_type == _MAIL:
            return await self._of_mail(raw, operator)
        given = _read(raw)
        if given.email is not None:
            return await self._of_address(given.email, given, operator)
        identity = Identity(given.notification_id or "", given.mac)
        self._authorise([identity], operator)
        return await self._record(
            Bounce(notification_id=identity.notification_id, kind=given.kind, detail=given.detail)
        )

    async def _of_mail(self, raw: bytes, operator: bool) -> BounceAnswer:
        notification_id = self._authorise(identities(raw), operator)
        try:
            report = read_report(raw)
        except UnreadableReport as unreadable:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(unreadable)) from None
        if report.kind is None:
            return BounceAnswer(notification_id=notification_id, kind=None, recorded=False)
        return await self._record(Bounce(notification_id=notification_id, kind=report.kind, detail=report.detail))

    def _authorise(self, named: list[Identity], operator: bool) -> str:
        """The email that may be reported. Raises `Problem`: 401, 422."""
        for one in named:
            if one.mac and may_report(self._settings, one.notification_id, one.mac):
                return one.notification_id
        if not operator:
            raise unauthorized(_UNSIGNED)
        if not named:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The report names none of our emails.")
        return named[0].notification_id

    async def _of_address(self, email: str, given: BounceReport, operator: bool) -> BounceAnswer:
        """The address, and the email that was sent to it last, where one is known."""
        if not operator:
            raise unauthorized("An address is reported by operators only; name the email and its signature instead.")
        hashed = address_hash(self._settings, email)
        async with transaction(self._context.http_engine) as connection:
            latest = await bounces.latest_to(connection, hashed)
            if latest is None:
                return await self._suppress(connection, hashed, given.kind)
        return await self._record(Bounce(notification_id=latest, kind=given.kind, detail=given.detail))

    async def _suppress(self, connection: Connection, hashed: str, kind: BounceKind) -> BounceAnswer:
        now = await self._context.clock.now(connection)
        new = [Suppression(hashed, kind.outcome, now, None)] if kind.outcome else []
        added = await suppressions.add(connection, new)
        return BounceAnswer(notification_id=None, kind=kind, recorded=bool(added))

    async def _record(self, bounce: Bounce) -> BounceAnswer:
        context = self._context
        async with transaction(context.http_engine) as connection:
            email = await _email(connection, bounce.notification_id)
            known = await recipients.lock(connection, [email.account_id])
            unit_of_work = UnitOfWork(await context.clock.now(connection), context.partitions)
            contact = recipient_contact(known[email.account_id], email.recipient_id)
            detail = without_addresses(bounce.detail, contact.email if contact else "")
            plain = replace(bounce, detail=detail)
            recorded = await self._returned_mail.record(connection, [plain], known, unit_of_work)
            await unit_of_work.save(connection)
        say_all(unit_of_work.log_messages)
        return BounceAnswer(notification_id=bounce.notification_id, kind=bounce.kind, recorded=bool(recorded))


def _read(raw: bytes) -> BounceReport:
    """Raises `Problem` 422."""
    try:
        return BounceReport.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, ("body", *first["loc"])))
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}.") from None


async def _email(connection: Connection, notification_id: str) -> Any:
    """As of `bounces.find`. Raises `Problem`: 404, and 503 while it is just being sent."""
    found = await bounces.find(connection, notification_id)
    if found is None or found.channel != Channel.EMAIL or not (found.attempts or found.status == "sending"):
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such email, or it was never sent.")
    if found.status == "sending":
        detail = "The email is just being sent; please report it again in a moment."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"})
    return found
