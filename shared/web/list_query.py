"""The parameters of a list: what every list's query has in common."""

from typing import Any

from pydantic import BaseModel, model_validator


class ListQuery(BaseModel):
    """Which entries of a list, and which page. An empty parameter counts as left out: a form sends its empty fields."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if value != ""}
