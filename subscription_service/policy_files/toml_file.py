"""Reads a TOML file into a pydantic model, and says in one sentence what is wrong with it."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

_MEANING = {"missing": "is missing", "extra_forbidden": "is not a known key"}
"""Type of pydantic's error -> what it means in a file, where pydantic's own message does not say."""


def read_toml(model: type[Model], path: Path, *, defaults: Path | None = None) -> Model:
    """The checked content of `path`; top-level keys that it leaves out are as in the file `defaults`.

    Raises `ValueError` (`FILE: [TABLE] KEY: what is wrong`), or `OSError` where a file cannot be read.
    """
    try:
        return model.model_validate((_content(defaults) if defaults else {}) | _content(path))
    except ValidationError as error:
        problem = error.errors()[0]
        message = _MEANING.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        raise ValueError(f"{path}: {_place(problem['loc'])}: {message}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _content(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _place(location: Sequence[str | int]) -> str:
    """`("editions", "advanced", "server_price")` as `[editions.advanced] server_price`."""
    # pydantic marks a key that is wrong itself with a last part "[key]".
    *tables, key = [str(part) for part in location if part != "[key]"]
    return f"[{'.'.join(tables)}] {key}" if tables else key
