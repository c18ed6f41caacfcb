"""Free ports on 127.0.0.1, and a file that remembers which part has which."""

import json
import random
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tenure.local.folders import kept_text, put

HOST: Final = "127.0.0.1"

# Below the range that the kernel gives to outgoing connections: a client that connects to a part which is
# down could otherwise be given the part's own port, and be connected to itself.
_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000
_TRIES: Final = 200


class PortTaken(Exception):
    """A port that was demanded by number is in use."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(lowest: int = _LOWEST, highest: int = _HIGHEST) -> int:
    """A port that nobody uses now. Raises `PortTaken` when none is found."""
    for _ in range(_TRIES):
        port = random.randint(lowest, highest)
        if is_free(port):
            return port
    raise PortTaken(f"no free port was found between {lowest} and {highest}")


class PortBook:
    """Name -> port: the one in `fixed`, else the one of the last start while it is free, else a free one."""

    def __init__(self, file: Path, fixed: Mapping[str, int]) -> None:
        self._file = file
        self._fixed = fixed
        self._known = _ports_in(kept_text(file))
        self._given: set[int] = set()

    def port(self, name: str) -> int:
        """The port of `name`, written to the file for the next start. Raises `PortTaken` for a fixed one."""
        port = self._choose(name)
        self._given.add(port)
        self._known[name] = port
        put(self._file, json.dumps(self._known, indent=2))
        return port

    def _choose(self, name: str) -> int:
        if name in self._fixed:
            return self._insist(name, self._fixed[name])
        known = self._known.get(name)
        if known is not None and known not in self._given and is_free(known):
            return known
        return next(port for port in iter(free_port, None) if port not in self._given)

    def _insist(self, name: str, port: int) -> int:
        if not is_free(port):
            raise PortTaken(f"port {port} for {name} is taken: end what holds it, or start with --ports free")
        return port


def _ports_in(text: str) -> dict[str, int]:
    """None where the file is damaged: then all get a free one."""
    try:
        known = json.loads(text)
    except ValueError:
        return {}
    return {name: port for name, port in known.items() if type(port) is int} if isinstance(known, dict) else {}
