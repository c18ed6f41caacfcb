"""The way to the mail relay: a small pool of connections, each carrying one mail at a time.

What the relay says to a mail is a `Reply`. Everything else is `Unreachable` and says nothing about the mail:
no connection, no TLS, no login, a timeout, a connection that breaks.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import parseaddr
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from notifier_service.content.mail_composer import Mail
from notifier_service.delivery.backoff import Reply
from shared.runtime.settings import BadSettings, Settings

_CONNECT_SECONDS: Final = 10
_ANSWER_SECONDS: Final = 120
_QUIT_SECONDS: Final = 2
_LOGIN_TROUBLE: Final = frozenset({530, 534, 535, 538})
_NOT_AN_ADDRESS: Final = 553

logger = logging.getLogger(__name__)


class Unreachable(Exception):
    """The relay is away, or does not let us in; the mail's turn comes again."""


class _Dropped(Unreachable):
    """The relay closed the connection without a word, as it does with one that was idle for long."""


class MailRelay:
    """At most `TENURE_SMTP_CONNECTIONS` connections, made when needed and kept."""

    def __init__(self, settings: Settings) -> None:
        """Raises `BadSettings`."""
        self._settings = settings
        self._sender = _bare(settings.mail_from)
        self._tls = _tls_context(settings)
        self._places = asyncio.Semaphore(settings.smtp_connections)
        self._idle: list[SMTP] = []

    async def send(self, mail: Mail) -> Reply:
        """The relay's answer to this mail. Raises `Unreachable`."""
        async with self._places:
            while (kept := self._take_idle()) is not None:
                with suppress(_Dropped):
                    return await self._carry(kept, mail)
            return await self._carry(await self._connect(), mail)

    async def reach(self) -> None:
        """Make sure that a connection stands. Raises `Unreachable`."""
        async with self._places:
            self._idle.append(self._take_idle() or await self._connect())

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(client) for client in idle))

    async def _carry(self, client: SMTP, mail: Mail) -> Reply:
        try:
            async with _telling_trouble():
                reply = await self._answer(client, mail)
        except BaseException:
            client.close()
            raise
        if client.is_connected:
            self._idle.append(client)
        return reply

    async def _answer(self, client: SMTP, mail: Mail) -> Reply:
        try:
            _, said = await client.sendmail(self._sender, [mail.recipient], mail.content)
        except SMTPRecipientsRefused as refused:
            return _reply(refused.recipients[0])
        except SMTPResponseException as refused:
            return _reply(refused)
        except ValueError:
            return Reply(_NOT_AN_ADDRESS, "not an address that can be sent to")
        return Reply(250, said)

    def _take_idle(self) -> SMTP | None:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                return client
        return None

    async def _connect(self) -> SMTP:
        settings = self._settings
        password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
        client = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password,
            timeout=_ANSWER_SECONDS,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            tls_context=self._tls,
        )
        async with _telling_trouble(), asyncio.timeout(_CONNECT_SECONDS):
            await client.connect()
        return client


@asynccontextmanager
async def _telling_trouble() -> AsyncIterator[None]:
    """Every way of not being there becomes `Unreachable`; a login that is refused is said loudly."""
    try:
        yield
    except SMTPAuthenticationError as refused:
        logger.error("the mail relay refuses our login (%d): see TENURE_SMTP_USERNAME and _PASSWORD", refused.code)
        raise Unreachable(f"the relay refuses our login ({refused.code})") from None
    except SMTPResponseException as refused:
        raise Unreachable(f"the relay does not let us in: {Reply(refused.code, refused.message).reason}") from None
    except SMTPServerDisconnected:
        raise _Dropped("the relay closed the connection") from None
    except (SMTPException, OSError, TimeoutError) as error:
        raise Unreachable(f"the relay cannot be reached: {type(error).__name__}") from None


def _reply(refused: SMTPResponseException) -> Reply:
    """What is said to this mail; raises again what concerns the connection."""
    if refused.code in _LOGIN_TROUBLE:
        raise refused
    return Reply(refused.code, refused.message)


def _bare(mail_from: str) -> str:
    _, address = parseaddr(mail_from)
    if "@" not in address:
        raise BadSettings("TENURE_MAIL_FROM: expected one mailbox, such as 'Tenure <renewals@example.com>'.")
    return address


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.smtp_tls == "none":
        return None
    try:
        return ssl.create_default_context(cafile=settings.smtp_ca_file)
    except OSError as error:
        raise BadSettings(f"TENURE_SMTP_CA_FILE: the file cannot be used ({error.strerror}).") from None


async def _quit(client: SMTP) -> None:
    with suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(_QUIT_SECONDS):
            await client.quit()
    client.close()
