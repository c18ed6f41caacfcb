"""`tenure dead-letters list | show | replay`: what the services could not read, and its way back.

What was replayed is handled: `list` and `replay` leave it out, unless `--all` or its name asks for it.

Exit code 1 when the broker is away, a name fits no dead letter, or one cannot be replayed.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import typer

from shared.contracts.scalars import read_instant
from shared.contracts.unreadable import Reason
from shared.kafka.topics import name_of
from shared.runtime.counts import counted
from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import BadSettings, Settings
from tenure.commands import options
from tenure.commands.failures import failing, going_on_when_repeated, interruptible
from tenure.commands.option_groups import with_groups
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.dead_letters import (
    NOT_HANDLED,
    DeadLetterFilter,
    NoSuchDeadLetter,
    NotReplayable,
    StoredDeadLetter,
    choose,
    outgoing,
    read_all,
)
from tenure.handled_dead_letters import replay
from tenure.terminal import Progress, complain, harmless, say, say_json, working
from tenure.topics import NotSent

app = typer.Typer(add_completion=False, help="List, show and replay what the services could not read.")

Name = Annotated[str, typer.Argument(metavar="TOPIC:PARTITION:OFFSET", help="The letter, as `list` names it.")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="TOPIC:PARTITION:OFFSET", help="None: all that the options name.")
]
OnlyReason: TypeAlias = Annotated[Reason | None, typer.Option(help="Only dead letters with this reason.")]
Since: TypeAlias = Annotated[
    str | None, typer.Option(metavar="T", help="Only those since then: 2h, 3d, 2026-11-02 or 2026-11-02T09:00:00Z.")
]
FromTopic: TypeAlias = Annotated[str | None, typer.Option(metavar="TOPIC", help="Only those from this topic.")]
OfAccount: TypeAlias = Annotated[str | None, typer.Option(metavar="ACCOUNT", help="Only those about this account.")]
All: TypeAlias = Annotated[bool, typer.Option("--all", help="Those that were replayed too.")]
_COMMAND: Final = "tenure dead-letters"
_SENT: Final = "`tenure dead-letters list --all` shows what was replayed"
_SHOWN: Final = 512
"""Characters of an account, an id or a source on a line of `list`."""
_ON_ONE_LINE: Final = dict.fromkeys(map(ord, "\n\t"), "�")
_AGO: Final = re.compile(r"([0-9]{1,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class BadInstant(Exception):
    """`--since` names no instant; the message says what it takes."""


class Which(NamedTuple):
    """Which dead letters. A group of `option_groups`."""

    reason: OnlyReason = None
    since: Since = None
    topic: FromTopic = None
    account: OfAccount = None
    everything: All = False

    def filter(self, settings: Settings) -> DeadLetterFilter:
        """By all of the options but `--all`. Raises `BadInstant`."""
        topic = None if self.topic is None else name_of(self.topic.removeprefix(settings.topic_prefix), settings)
        return DeadLetterFilter(reason=self.reason, since=since_when(self.since), topic=topic, account=self.account)


@app.command("list")
@with_groups
def list_(
    *,
    which: Which,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> None:
    """List dead letters that were not replayed yet, one per line, the oldest first."""
    with _failing():
        settings = _settings(kafka, ready_file)
        only = which.filter(settings)
        found = choose(_read(settings), only=only)
    letters = found if which.everything else choose(found, only=NOT_HANDLED)
    if as_json:
        say_json([summary(letter) for letter in letters])
        return
    for letter in letters:
        say(_line(letter))
    hidden = len(found) - len(letters)
    more = f"; {hidden:,} replayed before (shown with --all)" if hidden else ""
    complain(counted(len(letters), "dead letter") + more)


@app.command()
def show(
    name: Name, kafka: options.Kafka = None, ready_file: options.ReadyFile = None, as_json: options.Json = False
) -> None:
    """Show one dead letter with all that was received."""
    with _failing():
        [letter] = choose(_read(_settings(kafka, ready_file)), names=[name])
    if as_json:
        say_json(document(letter))
        return
    say(f"name: {letter.name}\nadded: {letter.added_at.isoformat()}")
    say(f"replayed: {letter.handled_at.isoformat() if letter.handled_at else 'no'}")
    for field, read in letter.event.items():
        say(f"{field}: {harmless(read or '-')}")
    for field, value in letter.why.items():
        say(f"{field}: {harmless(value)}")
    for part, size in letter.cut.items():
        say(f"only the beginning of the {part} was kept, of {harmless(size)} bytes")
    say(f"key: {_text(letter.key)}")
    for header, content in letter.headers:
        say(f"header {harmless(header)}: {_text(content)}")
    say(f"\n{_text(letter.value)}")


@app.command("replay")
@with_groups
def replay_(
    names: Names = None,
    *,
    which: Which,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> None:
    """Send dead letters to the topic that they came from; those that were sent already only by name, or with --all."""
    with _failing():
        if not (names or which.reason or which.since or which.topic or which.account):
            raise NoSuchDeadLetter("say which letters to replay: their names, --reason, --since, --topic or --account")
        settings, again = _settings(kafka, ready_file), which.everything or bool(names)
        only = replace(which.filter(settings), handled=again)
        letters = {each.id: each for each in choose(_read(settings), names=names or (), only=only)}
        replays = outgoing(list(letters.values()), settings)
        with interruptible(_COMMAND, _SENT) if again else going_on_when_repeated(_COMMAND):
            sent = asyncio.run(replay(replays, settings, wanted=lambda each, marks: again or each not in marks))
    if as_json:
        say_json({"replayed": [each.name for each in sent]})
        return
    for each in sent:
        say(f"{each.name} ({letters[each].reason}) sent to {letters[each].topic} again")
    say(f"{counted(len(sent), 'dead letter')} replayed")


def since_when(text: str | None) -> datetime | None:
    """The instant (UTC): so long ago in real time, the begin of a day in UTC, or RFC 3339. Raises `BadInstant`."""
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return read_instant(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        raise BadInstant(f"--since {text}: expected 2h, 3d, 2026-11-02 or 2026-11-02T09:00:00Z") from None


@contextmanager
def _failing() -> Iterator[None]:
    expected = (NotFound, NoSuchDeadLetter, NotReplayable, NotSent, BadInstant, BadSettings, Transient, Alarm)
    with failing(_COMMAND, *expected):
        yield


def _settings(kafka: options.Kafka, ready_file: options.ReadyFile) -> Settings:
    return settings_for(ConnectionOptions(kafka=kafka, ready_file=ready_file), "TENURE_KAFKA_BOOTSTRAP_SERVERS")


def _read(settings: Settings) -> Sequence[StoredDeadLetter]:
    progress = Progress()
    with working(lambda: f"{counted(progress.done, 'dead letter')} read"):
        return asyncio.run(read_all(settings, read=progress))


def _line(letter: StoredDeadLetter) -> str:
    origin = f"{letter.topic}:{letter.why.get('partition')}:{letter.why.get('offset')}"
    detail = letter.why.get("detail", "")
    handled = f"  replayed {_instant(letter.handled_at)}" if letter.handled_at else ""
    event = "  ".join(f"{name} {(value or '-')[:_SHOWN]}" for name, value in letter.event.items())
    line = f"{letter.name}  {_instant(letter.added_at)}  {letter.reason}{handled}  from {origin}  {event}  {detail}"
    return harmless(line.translate(_ON_ONE_LINE))


def summary(letter: StoredDeadLetter) -> dict[str, Any]:
    """Everything but key, value and headers, for JSON."""
    handled_at = letter.handled_at.isoformat() if letter.handled_at else None
    places = {"name": letter.name, "added_at": letter.added_at.isoformat(), "handled_at": handled_at}
    return {**places, **letter.event, **letter.why}


def document(letter: StoredDeadLetter) -> dict[str, Any]:
    """Everything of it, for JSON."""
    headers = [{"name": name, "value": _json(value)} for name, value in letter.headers]
    return {**summary(letter), "key": _json(letter.key), "value": _json(letter.value), "headers": headers}


def _instant(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def _text(value: bytes | None) -> str:
    return "(none)" if value is None else harmless(value.decode(errors="backslashreplace"))


def _json(value: bytes | None) -> str | dict[str, str] | None:
    """Text where the bytes are UTF-8, else `{"base64": ...}`."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}
