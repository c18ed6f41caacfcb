"""What `tenure COMMAND ...` does: the table of commands, and how their failures are told.

Each command is a module `tenure.commands.<name>` with a Typer app named `app`; its functions return the exit code, or
nothing for 0. Only the chosen command's module is imported, so that every command starts quickly and works where the
libraries of the others are not installed.

A failure is one sentence on stderr. Exit code 2: a command line that makes no sense, or a command whose libraries are
not installed; other codes: see the command's module.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from keyword import iskeyword
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from shared.runtime.ending import end_in_order
from tenure.commands.failures import Failed
from tenure.terminal import complain, say

COMMANDS: Final[Mapping[str, str]] = {
    "up": "Run the local stack: Kafka, PostgreSQL, mail, both services and the operations page.",
    "demo": "Play a customer's story through the local stack.",
    "publish": "Send events from files to their topics.",
    "try": "Say what events would lead to if they came now: events, price difference, state, or the refusal.",
    "import": "Take over the subscriptions of another system, from CSV or JSON lines.",
    "token": "Print a bearer token.",
    "account": "Show an account: state, orders, what waits, dead letters, notifications, what comes next.",
    "accounts": "List accounts by state, edition, E and switches, those that expire first before the others.",
    "forecast": "Say what will be deducted, expire and be released day by day, and who will fail.",
    "why": "Show every notification decision of an account, with its reason.",
    "check": "Say what policy, catalog, brand and words hold, and what the next start would make of them.",
    "debit": "Take money off an account's balance, as an operator.",
    "revoke-coupon": "Take an unused coupon away, as an operator.",
    "cancel-renewal": "Take a pending renewal order back, as an operator.",
    "extend": "Let a subscription end some days later, as an operator.",
    "erase": "Forget the person behind an account, as an operator.",
    "mails": "Show mails as they will look and as they were sent, send a sample, or one once more.",
    "audit": "Rebuild all subscriptions from the lifecycle log and compare.",
    "dead-letters": "List, show and replay what could not be read.",
}
"""Name -> summary."""


class CommandGroup(TyperGroup):
    """The commands of `COMMANDS`; one is imported when it is to be run, or its options are to be completed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the summary, for lists of commands."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is to be run, imported, and the arguments after its name."""
        name, *rest = args
        if name in COMMANDS:
            command = _load(name)
            end_in_order()
            return name, command, rest
        if not ctx.resilient_parsing:
            ctx.fail(_no_such(name))
        return None, None, rest


app = typer.Typer(cls=CommandGroup, invoke_without_command=True, help="Tenure: the local stack, and a look inside.")


@app.callback()
def _root(
    context: typer.Context, show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if show_version:
        say(f"tenure {version('tenure')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        say(context.get_help())


def run(arguments: Sequence[str] | None = None, *, service_commands: Mapping[str, Sequence[str]] | None = None) -> int:
    """Run one command; its exit code. `service_commands`: what `tenure up` runs in place of the two services."""
    # While the broker is away, the command says so once; aiokafka would log it again and again.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        code = get_command(app).main(
            list(sys.argv[1:] if arguments is None else arguments),
            prog_name="tenure",
            standalone_mode=False,
            obj=service_commands,
        )
    except typer.TyperException as error:
        complain(_sentence(error))
        return error.exit_code
    except OSError as error:  # such as a full disk below stdout
        complain(f"tenure: {error}")
        return 1
    return code if isinstance(code, int) else 0


def _load(name: str) -> Any:
    try:
        module = import_module(f"tenure.commands.{_module_of(name)}")
    except ModuleNotFoundError as missing:
        raise Failed(
            f"tenure {name}", f"{missing.name} is not installed here; the extra `local` brings it", 2
        ) from None
    return get_command(module.app)


def _module_of(name: str) -> str:
    """A Python word such as `import` is no name of a module."""
    return f"{name}_" if iskeyword(name) else name.replace("-", "_")


def _no_such(name: str) -> str:
    close = " or ".join(repr(one) for one in get_close_matches(name, COMMANDS))
    hint = f"; did you mean {close}?" if close else "."
    return f"there is no command {name!r}{hint} The commands are {', '.join(COMMANDS)}."


def _sentence(error: typer.TyperException) -> str:
    """The command and what is wrong, with the options that may have been meant."""
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else getattr(error, "command", "tenure")
    close = " or ".join(getattr(error, "possibilities", None) or ())
    text = f"{error.message}; did you mean {close}?" if close else error.format_message()
    return f"{where}: {text.replace('Value error, ', '')}"
