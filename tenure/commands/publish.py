"""`tenure publish FILE...`: events from JSON lines to their topics, acknowledged before it ends.

Unless every line of every file can be read, nothing is sent. Exit code 1 when something was not sent.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings, Settings
from tenure.commands import options
from tenure.commands.failures import failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.event_files import BadLine, Message, read
from tenure.terminal import Progress, say, say_json, working
from tenure.topics import NotSent, OutgoingRecord, send

app = typer.Typer(add_completion=False)
Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="One JSON document per line; - reads stdin.")]


@app.command()
def publish(
    files: Files, kafka: options.Kafka = None, ready_file: options.ReadyFile = None, as_json: options.Json = False
) -> None:
    """Send events from JSON lines to their topics, all or none."""
    with failing("tenure publish", BadLine, NotSent, NotFound, BadSettings, Transient, OSError):
        messages = [message for file in files for message in read(file)]
        where = ConnectionOptions(kafka=kafka, ready_file=ready_file)
        _send(messages, settings_for(where, "TENURE_KAFKA_BOOTSTRAP_SERVERS"))
    counts = Counter(message.topic for message in messages)
    filled = {message.place: list(message.filled) for message in messages if message.filled}
    if as_json:
        say_json({"acknowledged": counts, "filled_in": filled})
        return
    for place, names in filled.items():
        say(f"{place}: {', '.join(names)} filled in")
    for topic, count in counts.items():
        say(f"{topic}: {count} acknowledged")


def _send(messages: Sequence[Message], settings: Settings) -> None:
    progress = Progress()
    records = [
        OutgoingRecord(topic=settings.topic_prefix + message.topic, key=message.key, value=message.value)
        for message in messages
    ]
    with working(lambda: f"{progress.done:,} of {len(records):,} events acknowledged"):
        asyncio.run(send(records, settings, acknowledged=progress))
