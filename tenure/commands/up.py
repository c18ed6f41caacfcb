"""`tenure up`: the local stack in the foreground, until Ctrl-C.

Exit code 0 after Ctrl-C or SIGTERM, 1 with a sentence when something does not start. Either way the
children are ended and, without `--data`, their folder is removed; also after SIGKILL.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from shared.runtime.settings import BadSettings
from tenure.commands import options
from tenure.commands.addresses import say_addresses
from tenure.commands.failures import failing
from tenure.local.folders import FolderInUse, kept_folder, temporary_folder
from tenure.local.part import PartFailed
from tenure.local.ports import PortTaken
from tenure.local.ready_file import ReadyFileInUse
from tenure.local.running import Interrupted, interruptible
from tenure.local.stack import StackOptions
from tenure.local.up import FIXED_PORTS, SERVICE_COMMANDS, Telling, serve
from tenure.terminal import say

app = typer.Typer(add_completion=False)
_ACCEPTED: Final = {"TENURE_ACCEPT_POLICY_CHANGE": "yes"}

ReadyFile = Annotated[Path | None, typer.Option(metavar="F", help="Written once all is ready, and at every change.")]
TestClock = Annotated[str | None, typer.Option(metavar="T", help="Let time stand still at this instant (RFC 3339).")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep everything here and find it again.", callback=options.text),
]
Copies = Annotated[int, typer.Option(min=1, metavar="N", help="Copies of each service.")]
Kafka = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Use this broker.")]
Database = Annotated[str | None, typer.Option(metavar="URL", help="Use this PostgreSQL.")]
Smtp = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Use this mail relay.")]
Ports = Annotated[Literal["free", "fixed"], typer.Option(help="fixed: those of `make up`.")]
Accept = Annotated[bool, typer.Option("--accept-policy-change", help="Start with another policy or catalog.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the parts' logs too.")]


@app.command()
def up(  # noqa: PLR0913 - one argument per option
    context: typer.Context,
    *,
    ready_file: ReadyFile = None,
    test_clock: TestClock = None,
    data: Data = None,
    copies: Copies = 1,
    kafka: Kafka = None,
    database: Database = None,
    smtp: Smtp = None,
    ports: Ports = "free",
    accept_policy_change: Accept = False,
    verbose: Verbose = False,
) -> None:
    """Run the local stack: Kafka, PostgreSQL, mail, both services and the operations page, until Ctrl-C."""
    expected = (PartFailed, PortTaken, BadSettings, FolderInUse, ReadyFileInUse, OSError)
    with (
        _until_interrupted(),
        failing("tenure up", *expected),
        kept_folder(data) if data else temporary_folder() as folder,
    ):
        stack_options = StackOptions(
            folder=folder,
            environment={**os.environ, **(_ACCEPTED if accept_policy_change else {})},
            commands=context.obj or SERVICE_COMMANDS,
            kafka=kafka,
            database=database,
            smtp=smtp,
            test_clock=test_clock,
            copies=copies,
            fixed_ports=FIXED_PORTS if ports == "fixed" else {},
        )
        _say(f"everything is kept in {data}" if data else "everything is forgotten at the end; --data DIR keeps it")
        telling = Telling(say=_say, ready=_say_ready, log=say if verbose else None)
        serve(stack_options, ready_file, telling)


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """A signal is how it ends; a second one hurries the end."""
    try:
        interruptible()
        yield
    except (Interrupted, KeyboardInterrupt):
        _say("everything has ended")


def _say(line: str) -> None:
    say(f"tenure: {line}")


def _say_ready(document: Mapping[str, Any]) -> None:
    say_addresses(document)
    _say("ready; Ctrl-C ends it")
