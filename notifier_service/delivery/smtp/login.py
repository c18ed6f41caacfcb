"""The login at the relay: AUTH (RFC 4954) with PLAIN, LOGIN or CRAM-MD5."""

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from notifier_service.delivery.smtp.connection import Connection, Step
from notifier_service.delivery.smtp.stages import RelayEvent, Stage, StepMeaning
from notifier_service.delivery.smtp.unreachable import RelayUnreachable


@dataclass(frozen=True, slots=True)
class Login:
    """What the relay knows this sender by."""

    username: str
    password: str


Answer: TypeAlias = Callable[[Login, bytes], str]
"""From a login and the relay's challenge to what is sent back, before Base64."""


_ANSWERS: Final[Mapping[str, Sequence[Answer]]] = {
    "CRAM-MD5": (lambda login, challenge: f"{login.username} {_keyed_digest(login.password, challenge)}",),
    "PLAIN": (lambda login, _: f"\0{login.username}\0{login.password}",),
    "LOGIN": (lambda login, _: login.username, lambda login, _: login.password),
}
"""Mechanism -> the answers to its challenges, in the order in which they are preferred where nothing is encrypted."""


async def log_in(connection: Connection, login: Login) -> None:
    """Log in by a mechanism that both sides know. Raises `RelayUnreachable`; a relay's words may repeat the login."""
    offered = connection.extensions.get("AUTH", "").upper().split()
    known = [mechanism for mechanism in _ANSWERS if mechanism in offered]
    if not known:
        raise RelayUnreachable(f"the relay offers none of these logins: {', '.join(_ANSWERS)}")
    step = await _authenticate(connection, login, known[-1] if connection.encrypted else known[0])
    if step.reply and step.event is not RelayEvent.ACCEPTED:
        raise RelayUnreachable(
            f"the relay refuses the login ({step.reply.code}): see TENURE_SMTP_USERNAME and _PASSWORD"
        )
    if step.meaning is not StepMeaning.NEXT:
        raise RelayUnreachable.at(step)


async def _authenticate(connection: Connection, login: Login, mechanism: str) -> Step:
    step = await connection.ask(Stage.LOGIN, f"AUTH {mechanism}")
    for answer in _ANSWERS[mechanism]:
        if step.event is not RelayEvent.CONTINUE or step.reply is None:
            break
        response = answer(login, _decoded(step.reply.text))
        step = await connection.ask(Stage.LOGIN, base64.b64encode(response.encode()).decode())
    return step


def _keyed_digest(password: str, challenge: bytes) -> str:
    return hmac.new(password.encode(), challenge, "md5").hexdigest()


def _decoded(challenge: str) -> bytes:
    """The challenge's bytes; empty where it is not Base64, as some relays send for PLAIN."""
    try:
        return base64.b64decode(challenge, validate=True)
    except ValueError:
        return b""
