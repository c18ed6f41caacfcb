"""The subscription service's HTTP."""

from typing import Any

from fastapi import APIRouter


def router(*_: Any) -> APIRouter:
    return APIRouter()
