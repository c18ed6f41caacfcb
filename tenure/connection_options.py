"""Where the running Tenure is: the command line, else the environment, else the ready file of `make up`.

For the commands that talk to a running system.
"""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.runtime.settings import PREFIX, Settings, load

READY_FILE: Final = Path(".tenure/ready.json")
"""Where `make up` writes, seen from the folder in which it was started."""

_FROM_READY_FILE: Final[Mapping[str, str]] = {
    "TENURE_KAFKA_BOOTSTRAP_SERVERS": "kafka",
    "TENURE_DATABASE_URL": "database_url",
    "TENURE_AUTH_SECRET": "auth_secret",
    "TENURE_PUBLIC_URL": "notifier_url",
}


class NotFound(Exception):
    """It is not known where Tenure runs, or with which secret; the message says how to tell."""


def add_whereabouts(parser: argparse.ArgumentParser) -> None:
    """`--kafka` and `--ready-file`."""
    parser.add_argument("--kafka", metavar="HOST:PORT", help="the broker; else TENURE_KAFKA_BOOTSTRAP_SERVERS")
    parser.add_argument(
        "--ready-file", type=Path, metavar="F", help=f"what `tenure up` wrote; else {READY_FILE}, where there is one"
    )


def add_database(parser: argparse.ArgumentParser) -> None:
    """`--database`."""
    parser.add_argument("--database", metavar="URL", help="PostgreSQL; else TENURE_DATABASE_URL")


def settings_for(options: argparse.Namespace, needed: str) -> Settings:
    """The settings, once `needed` (such as `TENURE_AUTH_SECRET`) is among them.

    Raises `NotFound`, and `BadSettings` for a setting that the services would refuse too.
    """
    ours = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    named, usual = _told_by(options.ready_file), _told_by(READY_FILE if READY_FILE.exists() else None)
    typed = _typed(options)
    found = {**_without(typed, {**usual, **_without(named, ours), **named}), **typed}
    if needed not in found and f"{needed}_FILE" not in found:
        raise NotFound(f"{needed} is not set, and {options.ready_file or READY_FILE} does not tell it: is Tenure up?")
    return load(found)


def _typed(options: argparse.Namespace) -> Mapping[str, str]:
    """What the command line says itself; not every command has every option."""
    given = {
        "TENURE_KAFKA_BOOTSTRAP_SERVERS": options.kafka,
        "TENURE_DATABASE_URL": getattr(options, "database", None),
    }
    return {name: value for name, value in given.items() if value}


def _told_by(file: Path | None) -> Mapping[str, str]:
    if file is None:
        return {}
    if not file.exists():
        raise NotFound(f"{file} does not exist: is Tenure up?")
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict):
        raise NotFound(f"{file} is no ready file of `tenure up`.")
    return {name: document[key] for name, key in _FROM_READY_FILE.items() if document.get(key)}


def _without(told: Mapping[str, str], ours: Mapping[str, str]) -> Mapping[str, str]:
    """`ours` without what somebody nearer tells, be it as a value or as a `_FILE`."""
    return {name: value for name, value in ours.items() if name.removesuffix("_FILE") not in told}
