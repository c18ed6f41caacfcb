"""`tenure publish FILE...`: events from files to their topics, acknowledged before it ends.

Unless every event of every file can be read and is valid by its contract, nothing is sent. Exit code 1 when something
was not sent; with `--wait` also when something was rejected, became a dead letter, or has no result in time.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Final

import typer

from shared.runtime.counts import counted
from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import BadSettings, Settings
from tenure.commands import options
from tenure.commands.failures import failing, going_on_when_repeated, interruptible
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.event_files import BadEvent, Message, matching, read
from tenure.event_results import EventResult, Result
from tenure.publishing import ResultWaiter
from tenure.publishing import publish as publish_all
from tenure.terminal import Progress, harmless, say, say_json, working
from tenure.topics import NotSent

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure publish"
_TWICE: Final = "what the broker has by now stays there, and the same command would send it once more"
_FAILED: Final = {Result.REJECTED, Result.DEAD_LETTER, Result.UNKNOWN}
_STYLES: Final[Mapping[Result, str]] = dict.fromkeys(_FAILED, "bold red") | {Result.APPLIED: "bold green"}

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="JSON lines, one event or an array of events; a pattern; - reads stdin."),
]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Send what is not valid by its contract too.")]
Wait = Annotated[bool, typer.Option("--wait", help="Say for each event what became of it.")]
Timeout = Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long --wait waits at most.")]
Service = Annotated[
    str | None,
    typer.Option(metavar="URL", help="For --wait; otherwise TENURE_SUBSCRIPTION_URL."),
]


@app.command()
def publish(  # noqa: PLR0913 - one argument per option
    files: Files,
    *,
    no_check: NoCheck = False,
    wait: Wait = False,
    timeout: Timeout = 30,
    service: Service = None,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> int:
    """Send events from files to their topics, all or none."""
    with failing(_COMMAND, BadEvent, NotSent, NotFound, BadSettings, Transient, Alarm, OSError):
        messages = [message for file in matching(files) for message in read(file, check=not no_check)]
        where = ConnectionOptions(kafka=kafka, ready_file=ready_file)
        settings = settings_for(where, "TENURE_KAFKA_BOOTSTRAP_SERVERS")
        address = service or settings.subscription_url
        waiter = ResultWaiter(settings, service=address, seconds=timeout) if wait else None
        with _told_when_interrupted(messages):
            results = _send(messages, settings, waiter)
    (_say_json if as_json else _say)(messages, results)
    return 1 if any(each.result in _FAILED for each in results) else 0


def _told_when_interrupted(messages: Sequence[Message]) -> AbstractContextManager[None]:
    """An event with an id of its own counts once, however often it is sent (R39)."""
    if all(_id(message) and "id" not in message.filled for message in messages):
        return going_on_when_repeated(_COMMAND)
    return interruptible(_COMMAND, _TWICE)


def _send(messages: Sequence[Message], settings: Settings, waiter: ResultWaiter | None) -> Sequence[EventResult]:
    progress = Progress()
    with working(lambda: f"{progress.done:,} of {counted(len(messages), 'event')} acknowledged"):
        if waiter is not None:
            return asyncio.run(waiter.publish(messages, acknowledged=progress))
        asyncio.run(publish_all(messages, settings, acknowledged=progress))
        return ()


def _say_json(messages: Sequence[Message], results: Sequence[EventResult]) -> None:
    filled = {message.place: list(message.filled) for message in messages if message.filled}
    document = {"acknowledged": Counter(message.topic for message in messages), "filled_in": filled}
    if results:
        document["results"] = [
            {"place": message.place, "id": _id(message), "result": each.result, "detail": each.detail}
            for message, each in zip(messages, results, strict=True)
        ]
    say_json(document)


def _say(messages: Sequence[Message], results: Sequence[EventResult]) -> None:
    if not messages:
        say("no events: nothing was sent")
    for message in messages:
        if message.filled:
            say(f"{message.place}: {', '.join(message.filled)} filled in")
    for topic, count in Counter(message.topic for message in messages).items():
        say(f"{topic}: {count} acknowledged")
    for message, each in zip(messages, results, strict=False):
        detail = f" ({harmless(each.detail)})" if each.detail else ""
        say(f"{message.place}: ", (each.result, _STYLES.get(each.result, "bold")), detail)


def _id(message: Message) -> object:
    return message.event.get("id") if isinstance(message.event, dict) else None
