"""Apache Kafka's jars: from the committed lock to files on disk, every one checked against its SHA-256.

`jgo` finds and fetches them. They are kept in the user's cache, so only the first start needs a network.
`python -m tenure.local.jars` writes the lock anew for the coordinates below.
"""

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jgo
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext

from shared.runtime.counts import counted
from tenure.cache import cache_folder
from tenure.local.part import PartFailed, Say

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


def class_path(say: Say, cancelled: threading.Event) -> str:
    """Kafka's class path; missing files are fetched first, until `cancelled` is set. Raises `PartFailed`."""
    folder = cache_folder() / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    jars = read_lock()
    missing = [jar for jar in jars if not _is_intact(folder / jar.file_name, jar)]
    if missing:
        _fetch_all(missing, folder, say=say, cancelled=cancelled)
    return os.pathsep.join(str(folder / jar.file_name) for jar in jars)


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


def _fetch_all(missing: Sequence[Jar], folder: Path, *, say: Say, cancelled: threading.Event) -> None:
    title = f"fetching Apache Kafka {KAFKA_VERSION}"
    say(f"{title}: {counted(len(missing), 'file')}, once")
    for done, _ in enumerate(_fetched(missing, folder), start=1):
        if cancelled.is_set():
            raise PartFailed(f"{title} was cancelled")
        if done % _SAY_EVERY == 0 or done == len(missing):
            say(f"{title} ... {done} of {counted(len(missing), 'file')}")


def _fetched(missing: Sequence[Jar], folder: Path) -> Iterator[Jar]:
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        waiting = {pool.submit(_fetch, jar, folder): jar for jar in missing}
        for future in as_completed(waiting):
            future.result()
            yield waiting[future]
    finally:
        pool.shutdown(cancel_futures=True)


def _fetch(jar: Jar, folder: Path) -> None:
    """Fetch next to the cache and move in what is intact, so that two starts at once do no harm."""
    why = ""
    for attempt in range(_TRIES):
        time.sleep(attempt)
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            try:
                file = _download(_context(Path(aside)), jar.group, jar.artifact, jar.version)
            except (OSError, RuntimeError) as error:
                why = str(error)
                continue
            if _is_intact(file, jar):
                file.replace(folder / jar.file_name)
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


if __name__ == "__main__":
    write_lock()
