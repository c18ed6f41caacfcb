"""A customer is forgotten by both services while the subscription runs on, and somebody else takes over (R48)."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final

import pytest
import pytest_asyncio

from shared.contracts.topics import PURCHASES
from shared.storage.database import connect, transaction
from tenure.__main__ import main
from tenure.local.mail import MailServer
from tenure.story.driver import Driver, envelope
from tests.kit.events import FULL
from tests.kit.stored import found_in
from tests.story.driven import driven_stack

BEGINS: Final = datetime.fromisoformat("2027-01-10T09:00:00+08:00")
ERASED_AT: Final = datetime.fromisoformat("2027-01-20T09:00:00+08:00")
REMINDED_AT: Final = datetime.fromisoformat("2027-02-03T10:00:00+08:00")
EXPIRED_AT: Final = datetime.fromisoformat("2027-02-11T00:00:00+08:00")
ADA: Final = {"name": "Zebedee Quux", "email": "zebedee@planted.example", "locale": "en", "time_zone": "UTC"}
EVE: Final = {"name": "Eve", "email": "eve@anew.example", "locale": "en", "time_zone": "UTC"}
ORDER: Final = {
    "account_id": "ann",
    "contact": ADA,
    "specification": FULL,
    "duration_months": 1,
    "auto_renewal": False,
    "terms_accepted": True,
}
WHY: Final = {"operator": "o.perez", "reason": "Asked for by the customer"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(stack_options: Mapping[str, Any], mail_server: MailServer) -> AsyncIterator[Driver]:
    async with driven_stack(stack_options, mail_server, BEGINS) as driver:
        yield driver


async def places(database_url: str) -> set[str]:
    """Where the customer's name or address is stored, in both services."""
    found: set[str] = set()
    for schema in ("subscription", "notifier"):
        engine = connect(database_url, schema)
        async with transaction(engine) as connection:
            found.update(f"{schema}.{place}" for place in await found_in(connection, "Zebedee"))
        await engine.dispose()
    return found


async def audit(database_url: str) -> int:
    return await asyncio.to_thread(main, ["audit", "--database", database_url])


@pytest.mark.rule("R48")
async def test_a_customer_is_forgotten_the_subscription_runs_on_and_somebody_else_takes_over(
    story: Driver, stack_options: Mapping[str, Any]
) -> None:
    database = stack_options["database"]
    await story.publish("tenure.purchase.ordered.v1", {**ORDER, "order_id": "order-1"})
    await story.publish("tenure.purchase.ordered.v1", {**ORDER, "order_id": "order-2"})
    broken = envelope("tenure.purchase.ordered.v1", {**ORDER, "order_id": 3}, time=BEGINS)
    await story.send(PURCHASES, json.dumps(broken).encode())
    await story.settle()
    assert [mail.kind for mail in await story.mails(ADA["email"])] == ["activated", "order_rejected"]
    assert {"subscription.log.value", "subscription.account.contact", "notifier.recipient.contact"} <= (
        await places(database)
    )
    assert await audit(database) == 0

    await story.advance(ERASED_AT)
    await story.publish("tenure.account.erased.v1", {"account_id": "ann", **WHY})
    await story.settle()
    assert await places(database) == set()
    assert await audit(database) == 0
    assert await story.inbox("ann") == []
    assert (await story.account("ann"))["state"] == "active"
    history = (await story.account("ann", "/history"))["events"]
    assert [each["type"].split(".")[2] for each in history] == ["activated", "order_rejected", "erased"]

    await story.advance(REMINDED_AT)
    told = [(each["kind"], each["channel"], each["reason"]) for each in await story.decisions("ann")][4:]
    assert sorted(told) == [("renewal_due", "email", "no_contact"), ("renewal_due", "inbox", None)]
    await story.publish("tenure.account.contact_changed.v1", {"account_id": "ann", "contact": ADA}, time=ERASED_AT)
    await story.settle()
    assert await places(database) == set()

    await story.publish("tenure.account.contact_changed.v1", {"account_id": "ann", "contact": EVE})
    await story.advance(EXPIRED_AT)
    assert [mail.kind for mail in await story.mails(EVE["email"])] == ["expired"]
    assert len(await story.mails(ADA["email"])) == 2
    assert await audit(database) == 0
