"""Writes the contracts down: `python -m shared.contracts.documents --write|--check DIR --examples DIR`.

`--write` replaces what is in DIR (`make docs`), `--check` names what is not current and ends with 1.
The examples are the golden files: one `<type>.json` for each document on the wire.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from shared.contracts import asyncapi, schemas
from shared.contracts.topics import Service


def contents(examples: Mapping[str, Any]) -> Mapping[str, str]:
    """File name -> text, for all that is generated: every schema and both AsyncAPI documents."""
    documents = {f"schemas/{name}.json": schemas.schema(name) for name in schemas.DOCUMENTS}
    for service in get_args(Service):
        documents[f"asyncapi-{service}.json"] = asyncapi.document(
            service, test_clock=True, version=version("tenure"), examples=examples
        )
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in documents.items()}


def examples_in(folder: Path) -> Mapping[str, Any]:
    """Name -> document of every golden file."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def outdated(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """What is missing, different or no longer generated."""
    there = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.json")}
    return sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))


def write(folder: Path, wanted: Mapping[str, str]) -> None:
    """Makes the folder hold exactly what is wanted."""
    for name in outdated(folder, wanted):
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], "utf-8")
        else:
            path.unlink()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.contracts.documents", description="The contracts on paper.")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", type=Path, metavar="DIR")
    task.add_argument("--check", type=Path, metavar="DIR")
    parser.add_argument("--examples", type=Path, metavar="DIR", required=True)
    chosen = parser.parse_args(arguments)
    wanted = contents(examples_in(chosen.examples))
    if chosen.write:
        write(chosen.write, wanted)
        return 0
    stale = outdated(chosen.check, wanted)
    sys.stderr.writelines(f"not current: {name}\n" for name in stale)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
