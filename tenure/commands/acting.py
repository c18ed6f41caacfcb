"""What the commands of acts have in common: connecting, asking, sending, and saying what became of it.

Exit code 0: the act was applied, or had been before. Exit code 1: it was refused, became a dead letter, has no result
in time, nothing is known of the account, or the question was not answered with yes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings
from tenure.account_list import address_of
from tenure.acts import Act, OperatorClient, Performer
from tenure.commands import options
from tenure.commands.failures import Failed, failing, going_on_when_repeated
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.event_files import BadEvent
from tenure.event_results import Result
from tenure.http_answers import NoAnswer
from tenure.terminal import ask, harmless, say, say_json
from tenure.topics import NotSent

DONE: Final = frozenset({Result.APPLIED, Result.DUPLICATE})
"""The act has its effect."""


class ActOptions(NamedTuple):
    """What the command line says about how to act, and where Tenure runs. A group of `option_groups`."""

    reason: options.Why
    operator: options.Operator = None
    yes: options.Yes = False
    timeout: options.Timeout = 30
    service: options.Service = None
    kafka: options.Kafka = None
    ready_file: options.ReadyFile = None
    as_json: options.Json = False

    @property
    def performer(self) -> Performer:
        """Who acts, and why: as the command line says, otherwise the system's user."""
        return Performer(options.operator_or_user(self.operator), self.reason)


@contextmanager
def acting(command: str) -> Iterator[None]:
    """Turn what can go wrong with an act into the failure of this command, such as `tenure debit`."""
    with failing(command, BadEvent, NoAnswer, NotSent, NotFound, BadSettings, Transient, OSError):
        yield


def connect(how: ActOptions) -> OperatorClient:
    """Connected as the command line says. Raises `NotFound` and `BadSettings`."""
    where = ConnectionOptions(kafka=how.kafka, ready_file=how.ready_file)
    settings_for(where, "TENURE_AUTH_SECRET")
    settings = settings_for(where, "TENURE_KAFKA_BOOTSTRAP_SERVERS")
    return OperatorClient(settings, service=address_of(how.service, settings), seconds=how.timeout)


def perform(client: OperatorClient, act: Act, how: ActOptions, command: str) -> int:
    """Ask, send, and say what became of it; the exit code. Raises what `acting` turns into a failure."""
    [message] = client.messages([act], how.performer)
    confirm(act.question, how, command)
    with going_on_when_repeated(command):  # it has an id made from its content, or none that it spends
        done = client.send(message)
    if how.as_json:
        say_json({"event": message.event, "result": done.result, "detail": done.detail})
    else:
        detail = f" ({harmless(done.detail)})" if done.detail else ""
        style = "bold green" if done.result in DONE else "bold red"
        say((done.result, style), f"{detail}: {act.type} {message.event['id']}")
    return 0 if done.result in DONE else 1


def confirm(question: str, how: ActOptions, command: str) -> None:
    """Ask, unless the command line says yes already. Raises `Failed` without a yes."""
    if not how.yes and not ask(question):
        raise Failed(command, "nothing was sent; --yes sends without asking")
