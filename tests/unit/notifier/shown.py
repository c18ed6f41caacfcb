"""What a reader sees of a message: the text part, the visible words of the HTML part, the internal message."""

from email.message import EmailMessage
from html.parser import HTMLParser

from notifier_service.content.brand import Brand
from notifier_service.content.render import inbox_message
from shared.contracts.lifecycle import LifecycleData
from tests.unit.notifier import samples

_VOID = {"meta", "br"}
_UNSEEN = {"head", "style", "title"}


class _Visible(HTMLParser):
    """Collects text outside of the head and of what is not displayed."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._hidden.append(tag in _UNSEEN or "display:none" in (dict(attrs).get("style") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._hidden) and data.strip():
            self.words.append(" ".join(data.split()))


def part(mail: EmailMessage, kind: str) -> str:
    """The source of the part `plain` or `html`."""
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def texts(data: LifecycleData, language: str) -> list[str]:
    """All forms in which a reader of this language sees the message: of an email two, then the internal one.

    One line per paragraph or row; label and value of a row of the HTML part are lines of their own.
    """
    contact = samples.READERS[language]
    mail = samples.mail(data, contact)
    visible = _Visible()
    visible.feed(part(mail, "html"))
    inbox = inbox_message(samples.event(data), samples.localizer(language, contact.time_zone), Brand()).body
    return [part(mail, "plain"), "\n".join(visible.words), inbox]
