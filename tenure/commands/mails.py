"""`tenure mails preview`: every mail and message as it will look with today's brand and words.

Exit code 1 where a name fits nothing, or the relay does not take a sample; 2 where brand or words are wrong.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from shared.runtime.settings import BadSettings, load
from tenure.commands.failures import Failed, failing
from tenure.mail_previews import MailPreviews, NoSuchMail, NotSent, UnusableAddress
from tenure.terminal import harmless, say

NOT_LOADED: Final = 2
_PREVIEW: Final = "tenure mails preview"

app = typer.Typer(add_completion=False, help="Show mails as they will look, and send a sample.")

Kind = Annotated[
    str | None, typer.Argument(metavar="KIND", help="A kind (renewal_due) or a variant (renewal_due-off); none: all.")
]
Locale = Annotated[str | None, typer.Option(metavar="L", help="Only in this language, such as zh-CN.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="The folder; it is made where it is not there.")]
SendTo = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Send a sample of KIND there, through the configured relay.")
]


@app.callback()
def _group() -> None:
    """Keeps `preview` a command of its own while it is the only one."""


@app.command()
def preview(kind: Kind = None, locale: Locale = None, out: Out = Path("mails"), send_to: SendTo = None) -> None:
    """Write mails as HTML and .eml, and a page that shows all of them; or send a sample."""
    with failing(_PREVIEW, BadSettings, exit_code=NOT_LOADED):
        settings = load()
        with failing(_PREVIEW, NoSuchMail):
            chosen = MailPreviews.choose(settings, kind, locale)
    if send_to is None:
        with failing(_PREVIEW, OSError):
            say(f"open {harmless(str(chosen.write(out).resolve()))}")
        return
    if kind is None:
        raise Failed(_PREVIEW, "--send-to needs a KIND: which mail is to be sent?", NOT_LOADED)
    with failing(_PREVIEW, NoSuchMail, NotSent, UnusableAddress, BadSettings):
        sent = asyncio.run(chosen.send_to(send_to))
    say(f"{sent} sent to {harmless(send_to)} through {settings.smtp_host}:{settings.smtp_port}")
