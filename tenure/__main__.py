"""`tenure COMMAND ...`: the table of commands.

Each is a module with `add_arguments(parser)` and `run(options) -> exit code`. Only the chosen
command's module is imported, so that every command starts quickly.
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "up": ("tenure.commands.up", "run the local stack: Kafka, PostgreSQL, mail and both services"),
    "demo": ("tenure.commands.demo", "play a customer's story through the local stack"),
    "publish": ("tenure.commands.publish", "send events from JSON lines to their topics"),
    "token": ("tenure.commands.token", "print a bearer token"),
    "why": ("tenure.commands.why", "show every notification decision of an account, with its reason"),
    "audit": ("tenure.commands.audit", "rebuild all subscriptions from the lifecycle log and compare"),
    "dead-letters": ("tenure.commands.dead_letters", "list, show and replay what could not be read"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. 2 for a command line that makes no sense, or not in this installation."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    available = {name: entry for name, entry in COMMANDS.items() if find_spec(entry[0])}
    if not given or given[0] not in available:
        return _usage(given, available)
    # While a broker is away, its absence is said by us, once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    name, *rest = given
    module_name, summary = available[name]
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as missing:
        print(f"tenure {name}: {missing.name} is not installed here; the extra `local` brings it", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog=f"tenure {name}", description=f"{summary[0].upper()}{summary[1:]}.")
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(rest)))


def _usage(given: Sequence[str], available: Mapping[str, tuple[str, str]]) -> int:
    asked_for_help = not given or given[0] in ("-h", "--help")
    lines = [f"  {name:<14}{summary}" for name, (_, summary) in available.items()]
    text = "\n".join(["usage: tenure COMMAND ...", "", *lines, "", "`tenure COMMAND --help` tells more."])
    print(text, file=sys.stdout if asked_for_help else sys.stderr)
    if not asked_for_help:
        print(f"tenure: there is no command {given[0]!r}", file=sys.stderr)
    return 0 if asked_for_help else 2


if __name__ == "__main__":
    sys.exit(main())
