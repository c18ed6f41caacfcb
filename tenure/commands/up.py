"""`tenure up`: the local stack in the foreground, until Ctrl-C.

Exit code 0 after Ctrl-C or SIGTERM, 1 with a sentence when something does not start. Either way the
children are ended and, without `--data`, their folder is removed; also after SIGKILL.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from shared.runtime.settings import BadSettings
from shared.runtime.tasks import run_until_one_ends
from tenure.local.folders import FolderInUse, kept_folder, passing_folder
from tenure.local.part import PartFailed
from tenure.local.ports import PortTaken
from tenure.local.stack import SERVICES, Stack, StackOptions

FIXED_PORTS: Final[Mapping[str, int]] = {
    "kafka": 19092,
    "kafka controller": 19093,
    "postgres": 15432,
    "smtp": 11025,
    "mail": 18025,
    "subscription": 18080,
    "notifier": 18081,
}
COMMANDS: Final[Mapping[str, Sequence[str]]] = {name: (sys.executable, "-m", f"{name}_service") for name in SERVICES}
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tenure up`."""
    parser.add_argument("--ready-file", type=Path, metavar="F", help="written once all is ready, and at every change")
    parser.add_argument("--test-clock", metavar="T", help="let time stand still at this instant (RFC 3339)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep everything here and find it again")
    parser.add_argument("--copies", type=_copies, default=1, metavar="N", help="copies of each service")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="use this broker")
    parser.add_argument("--database", metavar="URL", help="use this PostgreSQL")
    parser.add_argument("--smtp", metavar="HOST:PORT", help="use this mail relay")
    parser.add_argument("--ports", choices=("free", "fixed"), default="free", help="fixed: those of `make up`")
    parser.add_argument("--verbose", action="store_true", help="show the parts' logs too")


def run(options: argparse.Namespace, commands: Mapping[str, Sequence[str]] = COMMANDS) -> int:
    """Run the stack until it is told to end; the exit code. `commands`: what runs each service."""
    try:
        with kept_folder(options.data) if options.data else passing_folder() as folder:
            return asyncio.run(
                serve(stack_options(options, folder, commands), options.ready_file, verbose=options.verbose)
            )
    except (PartFailed, PortTaken, BadSettings, FolderInUse, OSError) as error:
        print(f"tenure up: {error}", file=sys.stderr)
        return 1


def stack_options(options: argparse.Namespace, folder: Path, commands: Mapping[str, Sequence[str]]) -> StackOptions:
    """What the command line asks for, and the environment that the services inherit."""
    return StackOptions(
        folder=folder,
        environment=os.environ,
        commands=commands,
        kafka=options.kafka,
        database=options.database,
        smtp=options.smtp,
        test_clock=options.test_clock,
        copies=options.copies,
        fixed_ports=FIXED_PORTS if options.ports == "fixed" else {},
    )


async def serve(wanted: StackOptions, ready_file: Path | None, *, verbose: bool = False) -> int:
    """Start, say so, keep running, and end on a signal. Raises what `Stack.start` raises."""
    stack = Stack(wanted, say=_say, changed=lambda: write_ready_file(ready_file, stack.document()))
    told_to_end = asyncio.Event()
    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    _remove(ready_file)
    showing = asyncio.create_task(_show_logs(wanted.folder)) if verbose else None
    try:
        await run_until_one_ends(partial(_start_and_keep, stack, ready_file), told_to_end.wait)
    finally:
        _say("ending")
        _remove(ready_file)
        await stack.stop()
        if showing:
            showing.cancel()
    _say("everything has ended")
    return 0


def write_ready_file(file: Path | None, document: Mapping[str, Any]) -> None:
    """Put the whole document in place at once, readable by its owner alone: it holds secrets."""
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(descriptor, "w") as writing:
        json.dump(document, writing, indent=2)
    Path(aside).replace(file)


async def _start_and_keep(stack: Stack, ready_file: Path | None) -> None:
    await stack.start()
    write_ready_file(ready_file, stack.document())
    _say_where(stack.document())
    await stack.keep_running()


async def _show_logs(folder: Path) -> None:
    """Follow every log below the folder, each line behind its part's name."""
    shown: dict[Path, int] = {}
    while True:
        for file in folder.glob("*/*.log"):
            with file.open("rb") as log:
                log.seek(shown.get(file, 0))
                *lines, _unfinished = log.read().split(b"\n")
            shown[file] = shown.get(file, 0) + sum(len(line) + 1 for line in lines)
            for line in lines:
                print(f"{file.stem}: {line.decode(errors='replace')}", flush=True)
        await asyncio.sleep(0.2)


def _say(line: str) -> None:
    """A terminal that was closed must not keep us from ending what we started."""
    try:
        print(f"tenure: {line}", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say_where(document: Mapping[str, Any]) -> None:
    names = {"kafka": "Kafka", "database_url": "PostgreSQL", "smtp": "SMTP", "mail_url": "mails"}
    for key, name in names.items():
        if document[key]:
            print(f"  {name:<13} {document[key]}")
    print(f"  {'operations':<13} {document['subscription_url']}/ops")
    print(f"  {'inbox':<13} {document['notifier_url']}/inbox")
    _say("ready; Ctrl-C ends it")


def _remove(ready_file: Path | None) -> None:
    """A ready file that stands belongs to a stack that runs."""
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


def _copies(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a number of 1 or more")
    return int(text)
