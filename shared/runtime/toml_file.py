"""Reads a TOML file into a pydantic model, and says what is wrong with it: one sentence for each value."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

_MEANING = {"missing": "is missing", "extra_forbidden": "is not a known key"}
"""Type of pydantic's error -> what it means in a file, where pydantic's own message does not say."""


def read_toml(model: type[Model], path: Path, *, defaults: Path | None = None) -> Model:
    """The checked content of `path`; top-level keys that it leaves out are as in the file `defaults`.

    Raises `ValueError` (`FILE: [TABLE] KEY: what is wrong`, and `; ` before what else is; or that it cannot be read).
    """
    try:
        return model.model_validate((_content(defaults) if defaults else {}) | _content(path))
    except ValidationError as error:
        raise ValueError(f"{path}: {'; '.join(_sentence(problem) for problem in error.errors())}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _sentence(problem: ErrorDetails) -> str:
    message = _MEANING.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return f"{_place(problem['loc'])}: {message}"


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: the file cannot be read ({error.strerror})") from None


def _place(location: Sequence[str | int]) -> str:
    """`("editions", "advanced", "server_price")` as `[editions.advanced] server_price`."""
    # pydantic marks a key that is wrong itself with a last part "[key]".
    *tables, key = [str(part) for part in location if part != "[key]"]
    return f"[{'.'.join(tables)}] {key}" if tables else key
