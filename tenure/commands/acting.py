"""What the commands of acts have in common: connecting, asking, sending, and saying what became of it.

Exit code 0: the act was applied, or had been before. Exit code 1: it was refused, became a dead letter, has no result
in time, nothing is known of the account, or the question was not answered with yes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from typing import Final, NamedTuple

from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings
from tenure.account_list import address_of
from tenure.acts import Act, OperatorClient, Performer
from tenure.commands.failures import Failed, failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.event_files import BadEvent
from tenure.event_results import Result
from tenure.http_answers import NoAnswer
from tenure.terminal import ask, harmless, say, say_json
from tenure.topics import NotSent

_DONE: Final = {Result.APPLIED, Result.DUPLICATE}


class Target(NamedTuple):
    """What the command line says about where Tenure runs."""

    service: str | None
    kafka: str | None
    ready_file: Path | None
    timeout: float


class ActOptions(NamedTuple):
    """What the command line says about how to act."""

    reason: str
    operator: str | None
    yes: bool
    as_json: bool


@contextmanager
def acting(command: str) -> Iterator[None]:
    """Turn what can go wrong with an act into the failure of this command, such as `tenure debit`."""
    with failing(command, BadEvent, NoAnswer, NotSent, NotFound, BadSettings, Transient, OSError):
        yield


def connect(target: Target) -> OperatorClient:
    """Connected as the command line says. Raises `NotFound` and `BadSettings`."""
    options = ConnectionOptions(kafka=target.kafka, ready_file=target.ready_file)
    settings_for(options, "TENURE_AUTH_SECRET")
    settings = settings_for(options, "TENURE_KAFKA_BOOTSTRAP_SERVERS")
    return OperatorClient(settings, service=address_of(target.service, settings), seconds=target.timeout)


def perform(client: OperatorClient, act: Act, act_options: ActOptions, command: str) -> int:
    """Ask, send, and say what became of it; the exit code. Raises what `acting` turns into a failure."""
    message = client.message(act, Performer(operator_of(act_options), act_options.reason))
    if not act_options.yes and not ask(act.question):
        raise Failed(command, "nothing was sent; --yes sends without asking")
    done = client.send(message)
    if act_options.as_json:
        say_json({"event": message.event, "result": done.result, "detail": done.detail})
    else:
        detail = f" ({harmless(done.detail)})" if done.detail else ""
        style = "bold green" if done.result in _DONE else "bold red"
        say((done.result, style), f"{detail}: {act.type} {message.event['id']}")
    return 0 if done.result in _DONE else 1


def operator_of(act_options: ActOptions) -> str:
    """Who acts: as the command line says, otherwise the system's user."""
    return act_options.operator or getuser()
