"""The local mail server's process: SMTP in, HTTP out. `python -m tenure.local.mail_server --help`

HTTP: `GET /api/messages` (all, as JSON), `GET /api/messages/{id}` (one as it came), `DELETE /api/messages`,
`POST /api/behaviour` (a `Behaviour`), `DELETE /api/behaviour`, `GET /` and `GET /messages/{id}` for people.
"""

import argparse
import asyncio
import hmac
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import HTMLResponse

from tenure.local.mail_pages import SECURITY_HEADERS, list_page, mail_page
from tenure.local.mailbox import Behaviour, Behaviours, Mail, Mailbox, parse
from tenure.local.ports import HOST


@dataclass(frozen=True, slots=True)
class Receiver:
    """What aiosmtpd calls: takes mails into the mailbox, with the behaviour that was asked for."""

    mailbox: Mailbox
    behaviours: Behaviours

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        behaviour = self.behaviours.next("recipient", [address])
        await asyncio.sleep(behaviour.delay)
        if behaviour.accepts:
            envelope.rcpt_tos.append(address)
        return behaviour.reply or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        behaviour = self.behaviours.next("data", envelope.rcpt_tos)
        queued = "250 OK"
        if behaviour.accepts:
            queued = self._queued(envelope)
        await asyncio.sleep(behaviour.delay)
        return behaviour.reply or queued

    def _queued(self, envelope: Envelope) -> str:
        """The reply to a mail that was kept, or for which the disk has no room now."""
        try:
            mail = self.mailbox.add(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b"")
        except OSError as error:
            return f"452 4.3.1 {error.strerror}"
        return f"250 OK queued as {mail.id}"


@dataclass(frozen=True, slots=True)
class Login:
    """The one user name and password that AUTH accepts."""

    username: str
    password: str

    def __call__(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        wanted = (self.username.encode(), self.password.encode())
        given = (data.login, data.password) if isinstance(data, LoginPassword) else (b"", b"")
        fits = all(hmac.compare_digest(one, other) for one, other in zip(wanted, given, strict=True))
        return AuthResult(success=fits, handled=fits)


def build_app(mailbox: Mailbox, behaviours: Behaviours) -> FastAPI:
    """The HTTP side."""
    app = FastAPI(title="Tenure's local mail server")
    _add_api(app, mailbox, behaviours)
    _add_pages(app, mailbox)
    return app


def _add_api(app: FastAPI, mailbox: Mailbox, behaviours: Behaviours) -> None:
    @app.get("/api/messages")
    def messages() -> Sequence[Mail]:
        return mailbox.all()

    @app.get("/api/messages/{mail_id}")
    def message(mail_id: str) -> Response:
        return Response(_content(mailbox, mail_id), media_type="message/rfc822")

    @app.delete("/api/messages", status_code=204)
    def clear() -> None:
        mailbox.clear()

    @app.post("/api/behaviour", status_code=204)
    def order(behaviour: Behaviour) -> None:
        behaviours.order(behaviour)

    @app.delete("/api/behaviour", status_code=204)
    def behave() -> None:
        behaviours.clear()


def _add_pages(app: FastAPI, mailbox: Mailbox) -> None:
    @app.get("/", response_class=HTMLResponse)
    def page() -> HTMLResponse:
        return HTMLResponse(list_page(mailbox.all()), headers=SECURITY_HEADERS)

    @app.get("/messages/{mail_id}", response_class=HTMLResponse)
    def one(mail_id: str) -> HTMLResponse:
        content = parse(_content(mailbox, mail_id))
        mail = next(mail for mail in mailbox.all() if mail.id == mail_id)
        return HTMLResponse(mail_page(mail, content), headers=SECURITY_HEADERS)


def _content(mailbox: Mailbox, mail_id: str) -> bytes:
    content = mailbox.content(mail_id)
    if content is None:
        raise HTTPException(404, "There is no such mail.")
    return content


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A mail server for demos and tests: keeps all, delivers nothing.")
    parser.add_argument("--folder", type=Path, required=True, help="where the mails are kept")
    parser.add_argument("--port", type=int, required=True, help="SMTP port on 127.0.0.1")
    parser.add_argument("--http-port", type=int, required=True, help="HTTP port on 127.0.0.1")
    parser.add_argument("--tls", choices=("none", "starttls", "tls"), default="none")
    parser.add_argument("--certificate", type=Path, help="PEM with key and certificate, for starttls and tls")
    parser.add_argument("--login", type=Path, help="a file with USERNAME:PASSWORD: then AUTH is required")
    return parser.parse_args()


def _smtp_options(options: argparse.Namespace, context: ssl.SSLContext | None) -> dict[str, Any]:
    starttls = options.tls == "starttls"
    login = Login(*options.login.read_text().split(":", 1)) if options.login else None
    return {
        "hostname": "localhost",
        "enable_SMTPUTF8": True,
        "tls_context": context if starttls else None,
        "require_starttls": starttls,
        "authenticator": login,
        "auth_required": login is not None,
        # aiosmtpd knows only of STARTTLS; where the whole connection is TLS it must not ask again.
        "auth_require_tls": starttls,
    }


async def _serve(options: argparse.Namespace) -> None:
    mailbox, behaviours = Mailbox(options.folder), Behaviours()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if options.tls != "none" else None
    if context is not None:
        context.load_cert_chain(options.certificate)
    settings = _smtp_options(options, context)
    receiver = Receiver(mailbox, behaviours)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(receiver, loop=loop, **settings),
        HOST,
        options.port,
        ssl=context if options.tls == "tls" else None,
    )
    async with server:
        web = uvicorn.Config(build_app(mailbox, behaviours), HOST, options.http_port, log_level="warning")
        await uvicorn.Server(web).serve()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
