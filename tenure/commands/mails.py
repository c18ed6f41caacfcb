"""`tenure mails preview`: every mail and message as it will look with today's brand and words. `tenure mails show` and
`resend NOTIFICATION`: a mail as it was sent, and the same event told once more.

Exit code 1 where a name fits nothing, the relay does not take a sample, the notifier does not answer or has no copy, or
the question was not answered with yes; 2 where brand or words are wrong.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from shared.runtime.settings import BadSettings, Settings, load
from tenure.commands import options
from tenure.commands.failures import Failed, failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.http_answers import NoAnswer
from tenure.mail_previews import MailPreviews, NoSuchMail, NotSent, UnusableAddress
from tenure.notifications import mail, resend
from tenure.terminal import ask, harmless, say, say_json

NOT_LOADED: Final = 2
_FOLDER: Final = Path("mails")
_PREVIEW: Final = "tenure mails preview"
_NO_ANSWER: Final = (NotFound, NoAnswer, BadSettings)

app = typer.Typer(add_completion=False, help="Mails as they will look, as they were sent, and sent once more.")

Notification = Annotated[
    str,
    typer.Argument(metavar="NOTIFICATION", parser=options.any_id, help="Its id, as `tenure why --json` names it."),
]
Kind = Annotated[
    str | None, typer.Argument(metavar="KIND", help="A kind (renewal_due) or a variant (renewal_due-off); none: all.")
]
Locale = Annotated[str | None, typer.Option(metavar="L", help="Only in this language, such as zh-CN.")]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help=f"The folder, made where it is not there; otherwise {_FOLDER}.")
]
SendTo = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Send a sample of KIND there, through the configured relay.")
]


@app.command()
def preview(kind: Kind = None, locale: Locale = None, out: Out = None, send_to: SendTo = None) -> None:
    """Write mails as HTML and .eml, and a page that shows all of them; or send a sample."""
    if send_to is not None and out is not None:
        raise typer.BadParameter("--send-to sends a sample and writes no files, so there is nothing for --out")
    with failing(_PREVIEW, BadSettings, exit_code=NOT_LOADED):
        settings = load()
        with failing(_PREVIEW, NoSuchMail):
            chosen = MailPreviews.choose(settings, kind, locale)
    if send_to is None:
        with failing(_PREVIEW, OSError):
            say(f"open {harmless(str(chosen.write(out or _FOLDER).resolve()))}")
        return
    if kind is None:
        raise Failed(_PREVIEW, "--send-to needs a KIND: which mail is to be sent?", NOT_LOADED)
    with failing(_PREVIEW, NoSuchMail, NotSent, UnusableAddress, BadSettings):
        sent = asyncio.run(chosen.send_to(send_to))
    say(f"{sent} sent to {harmless(send_to)} through {settings.smtp_host}:{settings.smtp_port}")


@app.command()
def show(notification: Notification, *, kafka: options.Kafka = None, ready_file: options.ReadyFile = None) -> None:
    """Print a mail as it was handed to the mail relay, with all its headers."""
    with failing("tenure mails show", *_NO_ANSWER):
        content = mail(notification, _settings(kafka, ready_file))
    say(harmless(content.replace("\r\n", "\n")))


@app.command("resend")
def resend_(  # noqa: PLR0913 - one argument per option
    notification: Notification,
    *,
    operator: options.Operator = None,
    yes: options.Yes = False,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> None:
    """Tell the same event once more: a new email, with the links and the address of today."""
    if not yes and not ask(f"Send {notification} once more?"):
        raise Failed("tenure mails resend", "nothing was sent; --yes sends without asking")
    with failing("tenure mails resend", *_NO_ANSWER):
        answer = resend(notification, options.operator_or_user(operator), _settings(kafka, ready_file))
    if as_json:
        say_json(answer)
    else:
        say(f"queued as {answer['notification_id']}")


def _settings(kafka: str | None, ready_file: options.ReadyFile) -> Settings:
    return settings_for(ConnectionOptions(kafka=kafka, ready_file=ready_file), "TENURE_AUTH_SECRET")
