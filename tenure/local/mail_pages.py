"""The mail server's two pages: the list, and one mail with its text and its HTML, the latter in a sandbox."""

from collections.abc import Sequence
from email.message import EmailMessage
from html import escape
from typing import Final

from tenure.local.mailbox import Mail

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { width: 100%; border-collapse: collapse }
th, td { text-align: start; padding: .4rem .6rem; border-bottom: 1px solid #8884; vertical-align: top }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border: 1px solid #8884 }
iframe { width: 100%; height: 40rem; border: 1px solid #8884; background: #fff }
"""


def list_page(mails: Sequence[Mail]) -> str:
    """All mails, the newest first."""
    rows = "".join(_row(mail) for mail in reversed(mails)) or '<tr><td colspan="3">No mail yet.</td></tr>'
    head = '<tr><th scope="col">Received</th><th scope="col">To</th><th scope="col">Subject</th></tr>'
    return _page("Mails", f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>")


def mail_page(mail: Mail, message: EmailMessage) -> str:
    """One mail; its HTML can run nothing and load nothing."""
    headers = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in mail.headers.items())
    html = _body(message, "html")
    frame = f'<h2>HTML</h2><iframe sandbox title="HTML part" srcdoc="{escape(html)}"></iframe>' if html else ""
    text = f"<h2>Text</h2><pre>{escape(_body(message, 'plain'))}</pre>"
    back = '<p><a href="/">All mails</a> · <a href="/api/messages/' + escape(mail.id) + '">as it came</a></p>'
    return _page(mail.subject or "(no subject)", f"{back}<table><tbody>{headers}</tbody></table>{text}{frame}")


def _row(mail: Mail) -> str:
    link = f'<a href="/messages/{escape(mail.id)}">{escape(mail.subject) or "(no subject)"}</a>'
    return f"<tr><td>{escape(mail.received_at[:19])}</td><td>{escape(', '.join(mail.rcpt_to))}</td><td>{link}</td></tr>"


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""


def _page(title: str, body: str) -> str:
    title = escape(title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    style = f"<style>{_STYLE}</style>"
    return f'<!doctype html><html lang="en"><head>{head}{style}</head><body><h1>{title}</h1>{body}</body></html>'
