"""Where the running Tenure is: from the command line, else the environment, else the ready file of `make up`.

For the commands that talk to a running system.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.runtime.settings import PREFIX, Settings, load

READY_FILE: Final = Path(".tenure/ready.json")
"""Where `make up` writes, relative to the folder in which it was started."""

_FROM_READY_FILE: Final[Mapping[str, str]] = {
    "TENURE_KAFKA_BOOTSTRAP_SERVERS": "kafka",
    "TENURE_DATABASE_URL": "database_url",
    "TENURE_AUTH_SECRET": "auth_secret",
    "TENURE_SUBSCRIPTION_URL": "subscription_url",
    "TENURE_NOTIFIER_URL": "notifier_url",
}
"""Setting -> key in the ready file."""


class NotFound(Exception):
    """It is not known where Tenure runs, or with which secret; the message says how to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """What the command line says; None for an option that was not given."""

    kafka: str | None = None
    database: str | None = None
    ready_file: Path | None = None


def settings_for(options: ConnectionOptions, needed: str) -> Settings:
    """The settings, once `needed` (such as `TENURE_AUTH_SECRET`) is among them.

    An option counts most, then a ready file that was named, then the environment, then the usual ready file.
    Raises `NotFound`, and `BadSettings` for a setting that the services would refuse too.
    """
    found: Mapping[str, str] = {}
    for source in (_usual_ready_file(), _environment(), _ready_file(options.ready_file), _given(options)):
        found = {**_not_in(source, found), **source}
    if needed not in found and f"{needed}_FILE" not in found:
        raise NotFound(f"{needed} is not set, and {options.ready_file or READY_FILE} does not tell it: is Tenure up?")
    return load(found)


def _given(options: ConnectionOptions) -> Mapping[str, str]:
    named = {"TENURE_KAFKA_BOOTSTRAP_SERVERS": options.kafka, "TENURE_DATABASE_URL": options.database}
    return {name: value for name, value in named.items() if value}


def _environment() -> Mapping[str, str]:
    """The settings in it; the notifier's public address says where commands find it, unless something else does."""
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    public = given.get("TENURE_PUBLIC_URL")
    return {"TENURE_NOTIFIER_URL": public, **given} if public else given


def _usual_ready_file() -> Mapping[str, str]:
    return _ready_file(READY_FILE if READY_FILE.exists() else None)


def _ready_file(file: Path | None) -> Mapping[str, str]:
    if file is None:
        return {}
    document = _document(file)
    return {name: document[key] for name, key in _FROM_READY_FILE.items() if document.get(key)}


def _document(file: Path) -> Mapping[str, Any]:
    if not file.exists():
        raise NotFound(f"{file} does not exist: is Tenure up?")
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict):
        raise NotFound(f"{file} is no ready file of `tenure up`.")
    return document


def _not_in(source: Mapping[str, str], settings: Mapping[str, str]) -> Mapping[str, str]:
    """The settings that `source` does not have, neither as a value nor as a `_FILE`."""
    names = {name.removesuffix("_FILE") for name in source}
    return {name: value for name, value in settings.items() if name.removesuffix("_FILE") not in names}
