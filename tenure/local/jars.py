"""Apache Kafka's jars: from the committed lock to files on disk, every one checked against its SHA-256.

`jgo` finds and fetches them. They are kept in the user's cache, so only the first start needs a network.
`python -m tenure.local.jars` writes the lock anew for the coordinates below; with a folder for what is under way it
fetches what is missing.
"""

import asyncio
import hashlib
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jgo
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext

from shared.runtime.counts import counted
from tenure.cache import cache_folder
from tenure.local.part import PartFailed, Say
from tenure.local.process import ending_with_us

KAFKA_VERSION: Final = "4.3.1"
COORDINATES: Final = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
LOCK: Final = Path(__file__).with_name("kafka.lock")
_AT_ONCE: Final = 6
_TRIES: Final = 3
_SAY_EVERY: Final = 4
_TIMEOUT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in the cache."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


async def class_path(say: Say) -> str:
    """Kafka's class path; missing files are fetched first. Raises `PartFailed`."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    if _missing():
        await _fetch_all(folder, say)
    return os.pathsep.join(str(folder / jar.file_name) for jar in read_lock())


def read_lock() -> Sequence[Jar]:
    """The files that make up Kafka, in class path order."""
    return [_jar(line) for line in LOCK.read_text().splitlines() if not line.startswith("#")]


def write_lock() -> None:
    """Resolve `COORDINATES` and write the lock with the digests of what was fetched."""
    with tempfile.TemporaryDirectory() as folder:
        context = _context(Path(folder))
        artifacts = [artifact for coordinate in COORDINATES for artifact in jgo.resolve(coordinate)]
        names = {(one.groupId, one.artifactId, one.version): None for one in artifacts}
        lines = [f"{':'.join(name)} sha256:{_digest(_download(context, *name))}" for name in names]
    head = "# Apache Kafka and what it needs. Written by `make lock`; every file is checked against it.\n"
    LOCK.write_text(head + "\n".join(lines) + "\n")


def _jar(line: str) -> Jar:
    coordinate, digest = line.split()
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, digest.removeprefix("sha256:"))


def _folder() -> Path:
    return cache_folder() / "jars"


def _missing() -> Sequence[Jar]:
    return [jar for jar in read_lock() if not _is_intact(_folder() / jar.file_name, jar)]


async def _fetch_all(folder: Path, say: Say) -> None:
    """In a process of its own: a thread that waits for a slow mirror could not be ended."""
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tenure.local.jars", aside),
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,  # Ctrl-C is ours
            preexec_fn=ending_with_us(signal.SIGKILL),
        )
        try:
            await _followed(process, say)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _followed(process: Any, say: Say) -> None:
    """`process`: asyncio's, with pipes."""
    async for line in process.stdout:
        say(line.decode().rstrip())
    trouble = (await process.stderr.read()).decode(errors="replace").strip()
    if await process.wait() != 0:
        raise PartFailed(trouble or f"fetching Apache Kafka {KAFKA_VERSION} was cut off")


def _fetch_missing(aside: Path) -> None:
    """Say how far it is, line by line. Raises `PartFailed`."""
    missing, title = _missing(), f"fetching Apache Kafka {KAFKA_VERSION}"
    print(f"{title}: {counted(len(missing), 'file')}, once", flush=True)
    for done, _ in enumerate(_fetched(missing, aside), start=1):
        if done % _SAY_EVERY == 0 or done == len(missing):
            print(f"{title} ... {done} of {counted(len(missing), 'file')}", flush=True)


def _fetched(missing: Sequence[Jar], aside: Path) -> Iterator[Jar]:
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        waiting = {pool.submit(_fetch, jar, aside): jar for jar in missing}
        for future in as_completed(waiting):
            future.result()
            yield waiting[future]
    finally:
        pool.shutdown(cancel_futures=True)


def _fetch(jar: Jar, beside: Path) -> None:
    """Fetch beside the cache and move in what is intact, so that two starts at once do no harm."""
    why = ""
    for attempt in range(_TRIES):
        time.sleep(attempt)
        with tempfile.TemporaryDirectory(dir=beside) as aside:
            try:
                file = _download(_context(Path(aside)), jar.group, jar.artifact, jar.version)
            except (OSError, RuntimeError) as error:
                why = str(error)
                continue
            if _is_intact(file, jar):
                file.replace(_folder() / jar.file_name)
                return
            why = "what came is not what the lock names"
    raise PartFailed(f"{jar} could not be fetched: {why}. Run it again: what has come is kept.")


def _context(folder: Path) -> MavenContext:
    remote = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    return MavenContext(repo_cache=folder, remote_repos=remote, timeout=_TIMEOUT_SECONDS)


def _download(context: MavenContext, group: str, artifact: str, version: str) -> Path:
    return Path(context.project(group, artifact).at_version(version).artifact().resolve())


def _is_intact(file: Path, jar: Jar) -> bool:
    return file.exists() and _digest(file) == jar.sha256


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def main(arguments: Sequence[str]) -> None:
    """What this module is as a program."""
    if not arguments:
        write_lock()
        return
    try:
        _fetch_missing(Path(arguments[0]))
    except (PartFailed, OSError) as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
