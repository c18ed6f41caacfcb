"""Making a connection ready for mails: connect, greeting, EHLO, TLS and login."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import partial
from ipaddress import ip_address
from typing import Final

from notifier_service.delivery.smtp.connection import Connection, Step
from notifier_service.delivery.smtp.login import Login, log_in
from notifier_service.delivery.smtp.stages import RelayEvent, Stage, StepMeaning
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from shared.runtime.settings import BadSettings, Settings

_LEGACY: Final = str.maketrans("=", " ")
"""Some old relays say `AUTH=PLAIN`."""


class Opening:
    """Opens connections to the relay. Raises `BadSettings` for a CA file or a login that cannot be used."""

    def __init__(self, settings: Settings, seconds: Mapping[Stage, float]) -> None:
        """`seconds`: how long the relay may take at each stage."""
        self._seconds = seconds
        self._host = settings.smtp_host
        self._port = settings.smtp_port
        self._tls = settings.smtp_tls
        self._own_name = settings.mail_domain if "." in settings.mail_domain else None
        self._context = _tls_context(settings)
        self._login = _login(settings)

    async def open(self) -> Connection:
        """A connection that takes mails. Raises `RelayUnreachable`."""
        connection = await self._connect()
        try:
            await self._make_ready(connection)
        except OSError as error:
            connection.close()
            raise RelayUnreachable(f"{_away(error)} (at {connection.stage.value})") from None
        except BaseException:
            connection.close()
            raise
        return connection

    async def _connect(self) -> Connection:
        context = self._context if self._tls == "tls" else None
        try:
            async with asyncio.timeout(self._seconds[Stage.CONNECT]):
                _, connection = await asyncio.get_running_loop().create_connection(
                    partial(Connection, self._seconds), self._host, self._port, ssl=context
                )
        except OSError as error:  # a time-out and a certificate that is not valid are OSErrors too
            raise RelayUnreachable(_away(error)) from None
        return connection

    async def _make_ready(self, connection: Connection) -> None:
        connection.stage = Stage.GREETING
        _next(await connection.reply(self._seconds[Stage.GREETING]))
        await self._greet(connection)
        if self._tls == "starttls":
            await self._start_tls(connection)
            await self._greet(connection)
        if self._login:
            await log_in(connection, self._login)
        _require_in_step(connection)

    async def _greet(self, connection: Connection) -> None:
        """EHLO, or HELO for a relay that does not know EHLO."""
        name = self._own_name or _literal(connection.local_address())
        step = _next(await connection.ask(Stage.EHLO, f"EHLO {name}"))
        if step.event is RelayEvent.REFUSED:
            step = _next(await connection.ask(Stage.HELO, f"HELO {name}"))
        connection.extensions = _extensions(step)

    async def _start_tls(self, connection: Connection) -> None:
        if "STARTTLS" not in connection.extensions:
            raise RelayUnreachable("the relay does not offer STARTTLS: see TENURE_SMTP_TLS")
        _next(await connection.ask(Stage.STARTTLS, "STARTTLS"))
        _require_in_step(connection)  # bytes from before the encryption may be those of somebody in between
        if self._context is not None:
            await connection.start_tls(self._context, self._host)


def _next(step: Step) -> Step:
    """The step, where the table says to go on. Raises `RelayUnreachable`."""
    if step.meaning is not StepMeaning.NEXT:
        raise RelayUnreachable.at(step)
    return step


def _require_in_step(connection: Connection) -> None:
    if not connection.usable:
        raise RelayUnreachable.at(Step(connection.stage, RelayEvent.OUT_OF_STEP))


def _extensions(step: Step) -> dict[str, str]:
    """What EHLO's reply offers, after its first line, which is the relay's name."""
    offered = step.reply.text.splitlines()[1:] if step.reply else []
    pairs = (line.translate(_LEGACY).strip().partition(" ") for line in offered)
    return {keyword.upper(): parameters for keyword, _, parameters in pairs if keyword}


def _literal(address: str) -> str:
    """An IP address in the form that EHLO takes."""
    return f"[IPv6:{address}]" if ip_address(address).version == 6 else f"[{address}]"


def _away(error: OSError) -> str:
    """A sentence with the kind of error; the error's text may name internal addresses."""
    return f"the relay cannot be reached: {type(error).__name__}"


def _login(settings: Settings) -> Login | None:
    if bool(settings.smtp_username) != bool(settings.smtp_password):
        raise BadSettings("TENURE_SMTP_USERNAME and TENURE_SMTP_PASSWORD: a login needs both.")
    if not settings.smtp_username or not settings.smtp_password:
        return None
    return Login(settings.smtp_username, settings.smtp_password.get_secret_value())


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.smtp_tls == "none":
        return None
    try:
        return ssl.create_default_context(cafile=settings.smtp_ca_file)
    except OSError as error:
        raise BadSettings(f"TENURE_SMTP_CA_FILE: the file cannot be used ({error.strerror}).") from None
