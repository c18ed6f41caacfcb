"""Reading a TOML data file into its checked shape: the one way in for policy and catalog."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Shape = TypeVar("Shape", bound=BaseModel)


def read(shape: type[Shape], path: Path, *, over: Path | None = None) -> Shape:
    """The file's content; what it leaves out stands in `over`, where that is given.

    Raises `ValueError` with file and field, or `OSError` where it cannot be read.
    """
    try:
        return shape.model_validate((_content(over) if over else {}) | _content(path))
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"]))
        raise ValueError(f"{path.name}: {field}: {problem['msg']}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def _content(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
