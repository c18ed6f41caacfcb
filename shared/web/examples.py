"""The examples that are served with the AsyncAPI documents: the files of `shared/contracts/examples`.

They are the golden files of the contract tests: each is read and written back unchanged.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def examples() -> Mapping[str, Any]:
    """Event type (of the state document: its name) -> the whole value of a record; further ones as `type~case`."""
    found = (file for file in files("shared.contracts").joinpath("examples").iterdir() if file.name.endswith(".json"))
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}
