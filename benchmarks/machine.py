"""The machine and the versions with which something was measured."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

_VERSIONS_OF: Final = ("aiokafka", "asyncpg", "faststream", "sqlalchemy", "sqlmodel", "pydantic", "orjson", "uvloop")


def machine() -> dict[str, Any]:
    """Ready for JSON."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(memory, 1),
        "system": platform.system(),
        "load": round(os.getloadavg()[1], 1),
        "versions": [
            "Apache Kafka 4.3.1",
            "PostgreSQL 18",
            f"Python {platform.python_version()}",
            *(f"{name} {version(name)}" for name in _VERSIONS_OF),
        ],
    }


def described(found: Mapping[str, Any]) -> str:
    """The machine in a sentence."""
    return f"{found['cores']} cores ({found['processor']}), {found['memory_gb']} GB, {found['system']}."


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
