"""The mails that the local mail server took, as files, and the behaviour that tests ask of it.

One `.eml` file per mail as it came, and `envelopes.jsonl` with one line per mail; a mail counts once its line is
written. Only `mail_server` writes here.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One accepted mail: its envelope, and of its content the headers (a repeated one: the last)."""

    id: str
    mail_from: str
    rcpt_to: Sequence[str]
    subject: str
    headers: dict[str, str]
    received_at: str


class Mailbox:
    """All mails in order of arrival, found again after a restart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._index = folder / "envelopes.jsonl"
        self._mails = {mail.id: mail for mail in self._read()}
        self._last = max((int(mail) for mail in self._mails), default=0)

    def add(self, mail_from: str, rcpt_to: Sequence[str], content: bytes) -> Mail:
        """Keep a mail, first its content and then its line."""
        self._last += 1
        message = parse(content)
        mail = Mail(
            id=f"{self._last:06d}",
            mail_from=mail_from,
            rcpt_to=list(rcpt_to),
            subject=str(message.get("subject", "")),
            headers={name: str(value) for name, value in message.items()},
            received_at=datetime.now(UTC).isoformat(),
        )
        self._file(mail.id).write_bytes(content)
        with self._index.open("a") as index:
            index.write(json.dumps(asdict(mail)) + "\n")
        self._mails[mail.id] = mail
        return mail

    def all(self) -> Sequence[Mail]:
        """Every mail, the first one first."""
        return list(self._mails.values())

    def content(self, mail_id: str) -> bytes | None:
        """The mail as it came; None for an unknown id."""
        return self._file(mail_id).read_bytes() if mail_id in self._mails else None

    def clear(self) -> None:
        """Forget all mails; their numbers are not given again while the server runs."""
        self._index.unlink(missing_ok=True)
        for mail_id in self._mails:
            self._file(mail_id).unlink(missing_ok=True)
        self._mails.clear()

    def _file(self, mail_id: str) -> Path:
        return self._folder / f"{mail_id}.eml"

    def _read(self) -> Sequence[Mail]:
        if not self._index.exists():
            return []
        # The last line may be torn by a SIGKILL: that mail was never acknowledged.
        *whole, _torn = self._index.read_text().split("\n")
        return [Mail(**json.loads(line)) for line in whole]


def parse(content: bytes) -> EmailMessage:
    """A mail's bytes as a message, never refusing."""
    return message_from_bytes(content, policy=policy.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How to answer instead of `250`: with `reply` (None: accept), after `delay` seconds, `times` times (None: always).

    It applies to mails with a recipient that fits the pattern: at stage `data` the whole mail is answered, at
    `recipient` one address. A reply `2xx` accepts; then the mail is kept before the delay, as with a relay
    whose answer gets lost.
    """

    reply: str | None = None
    delay: float = 0
    times: int | None = None
    recipient: str = "*"
    stage: Literal["recipient", "data"] = "data"

    @property
    def accepts(self) -> bool:
        """Whether mail or address are accepted."""
        return self.reply is None or self.reply.startswith("2")


class Behaviours:
    """The behaviours that were asked for, the oldest first; one that has applied `times` times is dropped."""

    def __init__(self) -> None:
        self._ordered: list[tuple[Behaviour, int | None]] = []

    def order(self, behaviour: Behaviour) -> None:
        """Add one after the others."""
        self._ordered.append((behaviour, behaviour.times))

    def clear(self) -> None:
        """Drop all: accept every mail again."""
        self._ordered.clear()

    def next(self, stage: str, recipients: Sequence[str]) -> Behaviour:
        """The behaviour that applies now; this counts as one of its times."""
        for place, (behaviour, left) in enumerate(self._ordered):
            fits = any(fnmatch(one, behaviour.recipient) for one in recipients)
            if behaviour.stage == stage and fits:
                self._use(place, behaviour, left)
                return behaviour
        return Behaviour()

    def _use(self, place: int, behaviour: Behaviour, left: int | None) -> None:
        if left is None:
            return
        if left <= 1:
            del self._ordered[place]
        else:
            self._ordered[place] = (behaviour, left - 1)
