"""The connections to the mail relay: a small pool, each connection sends one email at a time.

What the relay says about an email is a `Reply`. Everything else is `RelayUnreachable` and says nothing about the email:
no connection, no TLS, a refused login, a timeout, a connection that breaks.
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
from notifier_service.delivery.attempt import Reply
from shared.runtime.settings import BadSettings, Settings

_CONNECT_SECONDS: Final = 10
_REPLY_SECONDS: Final = 120
_QUIT_SECONDS: Final = 2
_LOGIN_CODES: Final = frozenset({530, 534, 535, 538})
_INVALID_ADDRESS: Final = 553

logger = logging.getLogger(__name__)


class RelayUnreachable(Exception):
    """The relay cannot be reached or refuses the connection; the email is to be tried again."""


class _Dropped(RelayUnreachable):
    """The relay closed the connection without a reply, as relays do with connections that were idle for long."""


class MailRelay:
    """At most `TENURE_SMTP_CONNECTIONS` connections, opened when needed and kept."""

    def __init__(self, settings: Settings) -> None:
        """Raises `BadSettings` for a sender that is no mailbox, and for a CA file that cannot be read."""
        self._settings = settings
        self._sender = _address_of(settings.mail_from)
        self._tls = _tls_context(settings)
        self._slots = asyncio.Semaphore(settings.smtp_connections)
        self._idle: list[SMTP] = []

    async def send(self, mail: Mail) -> Reply:
        """The relay's reply to this email. Raises `RelayUnreachable`."""
        async with self._slots:
            while (idle := self._take_idle()) is not None:
                with suppress(_Dropped):
                    return await self._send_over(idle, mail)
            return await self._send_over(await self._connect(), mail)

    async def ensure_connection(self) -> None:
        """Make sure that a connection is open. Raises `RelayUnreachable`."""
        async with self._slots:
            self._idle.append(self._take_idle() or await self._connect())

    async def close(self) -> None:
        """Send QUIT on every idle connection and close it."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(client) for client in idle))

    async def _send_over(self, client: SMTP, mail: Mail) -> Reply:
        """The connection is kept only after a complete dialogue."""
        try:
            async with _as_unreachable():
                reply = await self._transmit(client, mail)
        except BaseException:
            client.close()
            raise
        if client.is_connected:
            self._idle.append(client)
        return reply

    async def _transmit(self, client: SMTP, mail: Mail) -> Reply:
        try:
            _, text = await client.sendmail(self._sender, [mail.recipient], mail.content)
        except SMTPRecipientsRefused as refused:
            return _reply(refused.recipients[0])
        except SMTPResponseException as refused:
            return _reply(refused)
        except ValueError:
            return Reply(_INVALID_ADDRESS, "not an address that can be sent to")
        return Reply(250, text)

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
            timeout=_REPLY_SECONDS,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            tls_context=self._tls,
        )
        async with _as_unreachable(), asyncio.timeout(_CONNECT_SECONDS):
            await client.connect()
        return client


@asynccontextmanager
async def _as_unreachable() -> AsyncIterator[None]:
    """Turns every error that concerns the connection into `RelayUnreachable`; a refused login is logged as an error."""
    try:
        yield
    except SMTPAuthenticationError as refused:
        logger.error("the mail relay refuses the login (%d): see TENURE_SMTP_USERNAME and _PASSWORD", refused.code)
        raise RelayUnreachable(f"the relay refuses the login ({refused.code})") from None
    except SMTPResponseException as refused:
        reason = Reply(refused.code, refused.message).reason
        raise RelayUnreachable(f"the relay refuses the connection: {reason}") from None
    except SMTPServerDisconnected:
        raise _Dropped("the relay closed the connection") from None
    except (SMTPException, OSError, TimeoutError) as error:
        raise RelayUnreachable(f"the relay cannot be reached: {type(error).__name__}") from None


def _reply(refused: SMTPResponseException) -> Reply:
    """The reply to this email. Raises `refused` itself where it concerns the connection."""
    if refused.code in _LOGIN_CODES:
        raise refused
    return Reply(refused.code, refused.message)


def _address_of(mail_from: str) -> str:
    """The bare address of a mailbox. Raises `BadSettings`."""
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
