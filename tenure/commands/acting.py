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
from tenure.acts import Act, Desk, Performer
from tenure.commands.failures import Failed, failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.event_files import BadEvent
from tenure.event_results import Result
from tenure.http_answers import NoAnswer
from tenure.terminal import ask, harmless, say, say_json
from tenure.topics import NotSent

_DONE: Final = {Result.APPLIED, Result.DUPLICATE}


class Where(NamedTuple):
    """What the command line says about where Tenure runs."""

    service: str | None
    kafka: str | None
    ready_file: Path | None
    timeout: float


class How(NamedTuple):
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


def desk(where: Where) -> Desk:
    """Connected as the command line says. Raises `NotFound` and `BadSettings`."""
    options = ConnectionOptions(kafka=where.kafka, ready_file=where.ready_file)
    settings_for(options, "TENURE_AUTH_SECRET")
    settings = settings_for(options, "TENURE_KAFKA_BOOTSTRAP_SERVERS")
    service = where.service or settings.subscription_url
    if service is None:
        raise NotFound("neither --service, TENURE_SUBSCRIPTION_URL nor a ready file tells the service: is Tenure up?")
    return Desk(settings, service=service, seconds=where.timeout)


def perform(at: Desk, act: Act, how: How, command: str) -> int:
    """Ask, send, and say what became of it; the exit code. Raises what `acting` turns into a failure."""
    message = at.message(act, Performer(operator_of(how), how.reason))
    if not how.yes and not ask(act.question):
        raise Failed(command, "nothing was sent; --yes sends without asking")
    done = at.send(message)
    if how.as_json:
        say_json({"event": message.event, "result": done.result, "detail": done.detail})
    else:
        detail = f" ({harmless(done.detail)})" if done.detail else ""
        style = "bold green" if done.result in _DONE else "bold red"
        say((done.result, style), f"{detail}: {act.type} {message.event['id']}")
    return 0 if done.result in _DONE else 1


def operator_of(how: How) -> str:
    """Who acts: as the command line says, otherwise the system's user."""
    return how.operator or getuser()
