"""The registry: what the notifier reads and writes, by topic, with the contract of each type.

A record of any other type is a dead letter.
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.contracts.topics import Service, read_by, written_by

SERVICE: Final[Service] = "notifier"

READS: Final[Mapping[str, Mapping[str, type[Any]]]] = read_by(SERVICE)
"""Topic -> type -> contract; `test-clock-settled` exists with the test clock only."""

WRITES: Final[Mapping[str, Mapping[str, type[Any]]]] = written_by(SERVICE)
"""Topic -> type -> contract; dead letters have no contract."""
