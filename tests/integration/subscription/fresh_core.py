"""A core on a database of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from subscription_service.domain.policy import Rules
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import Core
from tests.kit.parts import fresh_database


@contextmanager
def core_with(rules: Rules, postgres: Postgres) -> Iterator[Core]:
    """On a database that goes at the end."""
    with fresh_database(postgres) as url:
        made = Core(url, rules)
        yield made
        made.close()
