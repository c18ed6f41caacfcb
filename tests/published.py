"""The published contracts: the files under `docs/contracts`, generated from the code.

JSON Schemas of all record values, an AsyncAPI document and an OpenAPI document for each service.
`python -m tests.published --write` (`make docs`) writes the files, `--check` ends with 1 when one is outdated.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from notifier_service.app import NOTIFIER
from shared.contracts import asyncapi, schemas
from shared.runtime.components import Service
from shared.runtime.service import build_context
from shared.runtime.settings import Settings
from shared.web.examples import examples
from subscription_service.app import SUBSCRIPTION

PUBLISHED: Final = Path(__file__).parents[1] / "docs" / "contracts"

_UNUSED: Final = {"database_url": "postgresql://unused", "auth_secret": "unused " * 8}


def contents() -> Mapping[str, str]:
    """File name -> text of every published file."""
    documents = {f"schemas/{name}.json": schemas.schema(name) for name in schemas.MESSAGE_TYPES}
    for service in (SUBSCRIPTION, NOTIFIER):
        documents[f"asyncapi-{service.name}.json"] = asyncapi.document(
            service.name, test_clock=True, version=version("tenure"), examples=examples()
        )
        documents[f"openapi-{service.name}.json"] = openapi(service)
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in documents.items()}


def openapi(service: Service) -> dict[str, Any]:
    """What the service serves at `/openapi.json`; it is built, and connects to nothing."""
    context = build_context(service, Settings.model_validate(_UNUSED))
    return service.build(context).http.openapi()


def outdated(folder: Path) -> list[str]:
    """Names of the files in `folder` that are missing, different or no longer generated."""
    wanted = contents()
    there = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.json")}
    return sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))


def write(folder: Path) -> None:
    """Make `folder` hold exactly the published files."""
    wanted = contents()
    for name in outdated(folder):
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], "utf-8")
        else:
            path.unlink()


def main(arguments: Sequence[str]) -> int:
    """Write or check every file; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.published", description="The published contracts.")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", action="store_true", help="write the files")
    task.add_argument("--check", action="store_true", help="exit code 1 when a file is out of date")
    if parser.parse_args(arguments).write:
        write(PUBLISHED)
        return 0
    stale = outdated(PUBLISHED)
    sys.stderr.writelines(f"out of date: {name}; run `make docs`\n" for name in stale)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
