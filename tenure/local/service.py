"""One copy of a service as a part: a command with its environment and its HTTP port."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.runtime.last_words import last_words
from shared.runtime.process import ALARMED, BAD_SETTINGS
from tenure.local.answers import waits_for
from tenure.local.part import Part
from tenure.local.ports import HOST


class Service(Part):
    """Ready when its `/ready` says so."""

    start_within_seconds = 120
    # It finishes the batch that it works on, within 10 s at most.
    stop_within_seconds = 20

    def __init__(self, name: str, folder: Path, *, port: int, command: Sequence[str]) -> None:
        super().__init__(name, folder)
        self._port = port
        self._command = command
        self._environment: Mapping[str, str] = {}

    @property
    def url(self) -> str:
        """The root of its HTTP paths."""
        return f"http://{HOST}:{self._port}"

    @property
    def ports(self) -> Sequence[int]:
        return (self._port,)

    def use_environment(self, environment: Mapping[str, str]) -> None:
        """Use this environment from the next start on, with host and port of this copy."""
        self._environment = {**environment, "TENURE_HTTP_HOST": HOST, "TENURE_HTTP_PORT": str(self._port)}

    def command(self) -> Sequence[str]:
        return self._command

    def environment(self) -> Mapping[str, str]:
        return self._environment

    async def answers(self) -> bool:
        found = await waits_for(f"{self.url}/ready")
        self.waits_for = found or ""
        return found == ""

    def last_words(self) -> str:
        """The sentence behind an exit code that asks for a person."""
        return last_words(self.log_tail().splitlines()) if self.exit_code in (BAD_SETTINGS, ALARMED) else ""
