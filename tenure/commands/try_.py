"""`tenure try FILE...`: what the events of files would lead to if each came now; nothing is sent, nothing changes.

Each event is tried for itself, as if the ones before it had not been. Exit code 1 where one would be refused, would
wait or would become a dead letter, or could not be tried.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from shared.runtime.settings import BadSettings
from tenure import trying
from tenure.account_list import address_of
from tenure.commands import options
from tenure.commands.failures import failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.event_files import BadEvent, Message, matching, read
from tenure.http_answers import NoAnswer
from tenure.terminal import harmless, say, say_json

app = typer.Typer(add_completion=False)
_FINE: Final = {"applied", "duplicate"}
Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Events, as `tenure publish` takes them.")]


@app.command("try")
def try_(
    files: Files,
    *,
    service: options.Service = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> int:
    """Say what events would lead to if they came now: events, price difference, state, or the refusal."""
    with failing("tenure try", BadEvent, NoAnswer, NotFound, BadSettings, OSError):
        settings = settings_for(ConnectionOptions(ready_file=ready_file), "TENURE_AUTH_SECRET")
        address = address_of(service, settings)
        messages = [message for file in matching(files) for message in read(file, check=False)]
        answers = []
        for message in messages:
            answer = trying.tried(message, settings, service=address)
            answers.append({"place": message.place, **answer})
            if not as_json:
                _say(message, answer)
    if as_json:
        say_json(answers)
    elif not answers:
        say("no events: nothing was tried")
    return 0 if all(answer["outcome"] in _FINE for answer in answers) else 1


def _say(message: Message, answer: Mapping[str, Any]) -> None:
    style = "bold green" if answer["outcome"] in _FINE else "bold red"
    say(f"{message.place}: {harmless(message.event['type'])} would ", (_outcome(answer), style))
    for sentence in trying.sentences(answer):
        say(f"  {harmless(sentence)}")


def _outcome(answer: Mapping[str, Any]) -> str:
    if answer["waits"]:
        return "wait for a purchase"
    if answer["outcome"] == "dead_letter":
        return f"become a dead letter ({answer['detail']})"
    if answer["outcome"] == "duplicate":
        return "change nothing: it has counted already"
    return f"be {answer['outcome']}" + (f" ({answer['refusal']})" if answer["refusal"] else "")
