"""compose.yaml as the tests read it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[Mapping[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: Final[Mapping[str, Any]] = COMPOSE["services"]


def health_check(service: Mapping[str, Any], port: int) -> list[str]:
    """The command of the service's health check as Docker runs it, with this port on 127.0.0.1 in place of its own."""
    words = [word.replace("$$", "$") for word in service["healthcheck"]["test"][1:]]
    return [re.sub(r"(127\.0\.0\.1[:/])\d+", rf"\g<1>{port}", word) for word in words]
