"""The HTTP application of a service as it is built at a start, with nothing there that it needs.

To build one takes longer than to ask it, and what it answers here leaves nothing behind in it: tests with the same
settings share one. A test that counts on a fresh one, for limits of rates, builds its own.
"""

from functools import cache
from typing import Final

from fastapi import FastAPI

from shared.runtime.components import Service
from shared.runtime.service import build_context
from shared.runtime.settings import Settings
from tests.kit.tokens import SECRET

_NO_DATABASE: Final = "postgresql://nobody@127.0.0.1:1/none"


@cache
def application(service: Service, **given: str | int | None) -> FastAPI:
    """Prepared, without a database; `given` are settings besides the usual ones of tests."""
    usual = {"database_url": _NO_DATABASE, "auth_secret": SECRET}
    context = build_context(service, Settings.model_validate(usual | given))
    context.partitions.fill({})
    return service.build(context).http
