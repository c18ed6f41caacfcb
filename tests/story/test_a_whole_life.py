"""Both services as processes, through one customer's life: what happens at every boundary, and not a second before."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tenure.local.mail import MailServer
from tenure.story.driver import Driver
from tenure.story.observed import ObservedEvent
from tests.kit.events import FULL
from tests.story.driven import driven_stack

BEGINS = datetime.fromisoformat("2027-01-10T09:00:00+08:00")
SECOND = timedelta(seconds=1)
TERMS = {"terms_accepted": True}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(stack_options: Mapping[str, Any], mail_server: MailServer) -> AsyncIterator[Driver]:
    async with driven_stack(stack_options, mail_server, BEGINS) as driver:
        yield driver


class Life:
    """One account: its events, mails and messages since the last look."""

    def __init__(self, story: Driver, account: str) -> None:
        self.story = story
        self.account = account
        self.address = f"{account}@whole-life.example"
        self.mails = 0
        self.messages = 0

    async def at(self, moment: str, *kinds: str) -> list[ObservedEvent]:
        """Nothing a second before; these lifecycle events at this very instant, with their mails and messages."""
        instant = datetime.fromisoformat(f"{moment}+08:00")
        await self.story.advance(instant - SECOND)
        assert await self.news() == []
        await self.story.advance(instant)
        return await self.brings(*kinds, at=instant)

    async def does(self, type_: str, *kinds: str, **data: Any) -> list[ObservedEvent]:
        await self.story.publish(type_, {"account_id": self.account, **data})
        await self.story.settle()
        return await self.brings(*kinds, at=self.story.now)

    async def brings(self, *kinds: str, at: datetime) -> list[ObservedEvent]:
        events = await self.news()
        assert [event.kind for event in events] == list(kinds)
        assert [event.time for event in events] == [at] * len(kinds)
        return events

    async def news(self) -> list[ObservedEvent]:
        return [event for event in await self.story.new_events() if event.account == self.account]

    async def told(self) -> tuple[list[str], list[str]]:
        """The subjects of the mails and the titles of the messages since the last look."""
        mails = await self.story.mails(self.address, after=self.mails)
        messages = (await self.story.inbox(self.account))[self.messages :]
        self.mails += len(mails)
        self.messages += len(messages)
        return [mail.subject for mail in mails], [message["title"] for message in messages]

    async def buys(self, **more: Any) -> None:
        contact = {"name": "Ann Lee", "email": self.address, "locale": "en", "time_zone": "Asia/Shanghai"}
        order = {"order_id": f"{self.account}-1", "contact": contact, "specification": FULL, "duration_months": 1}
        await self.does("tenure.purchase.ordered.v1", "activated", **{"auto_renewal": True, **order, **TERMS, **more})

    async def registers(self, number: int, *kinds: str) -> list[ObservedEvent]:
        return await self.does("tenure.server.registered.v1", *kinds, server_id=f"server-{number}", cores=4)


@pytest.mark.rule("R1", "R5", "R15", "R18", "R20", "R24", "R25", "R28", "R29", "R31", "R32", "R33", "R34", "R35")
async def test_a_subscription_from_its_purchase_to_its_release(story: Driver) -> None:
    ann = Life(story, "ann")
    for chapter in (
        _purchase,
        _quota,
        _automatic_renewal,
        _change_at_renewal,
        _balance_short,
        _declined,
        _back_in_the_last_second_of_grace,
        _release,
    ):
        await chapter(ann)


async def _purchase(ann: Life) -> None:
    for number in (1, 2, 3):
        await ann.registers(number)
    await ann.buys()
    assert await ann.told() == (
        ["Your Enterprise subscription is active until February 10, 2027"],
        ["Your subscription is active"],
    )
    await ann.does("tenure.account.credited.v1", entry_id="ann-e1", amount="100.00", currency="USD")
    days = {"valid_from": "2027-02-01", "valid_until": "2027-02-01"}
    await ann.does("tenure.coupon.issued.v1", coupon_id="ann-c1", amount_off="20.50", minimum_spend="70.50", **days)
    await ann.does("tenure.configuration.recorded.v1", kind="tag", key="production", value=1)


async def _quota(ann: Life) -> None:
    (exceeded,) = await ann.registers(4, "quota_exceeded")
    assert exceeded.data["servers"] == {"registered": 4, "quota": 3}
    assert exceeded.data["cores"] is None
    await ann.story.advance(ann.story.now + SECOND)  # at the same instant the event ids would decide (R37)
    await ann.does("tenure.server.released.v1", "quota_restored", server_id="server-4")
    assert await ann.told() == (
        ["Your quota is exceeded by 1 server"],
        ["You use more than your quota", "Your quota is sufficient again"],
    )


async def _automatic_renewal(ann: Life) -> None:
    (renewed,) = await ann.at("2027-02-01T08:00:00", "renewed")
    assert _money(renewed) == ("70.50", "20.50", "50.00", "50.00")
    assert renewed.data["expires_on"] == "2027-03-10"
    assert await ann.told() == (
        ["Renewed automatically: $50.00 deducted, new expiration date March 10, 2027"],
        ["Your subscription was renewed automatically"],
    )


async def _change_at_renewal(ann: Life) -> None:
    await ann.story.advance(datetime.fromisoformat("2027-02-12T10:00:00+08:00"))
    larger = {**FULL, "protected_servers": 4, "cores": 16}
    change = {"order_id": "ann-2", "duration_months": 1, "specification": larger, **TERMS}
    await ann.does("tenure.renewal.change_ordered.v1", "renewed", **change)
    assert (await ann.story.account("ann"))["purchased_quota"]["servers"] == 3
    assert (await ann.told())[0] == ["Renewed: your subscription now runs until April 10, 2027"]
    (changed,) = await ann.at("2027-03-11T00:00:00", "specification_changed")
    assert changed.data["price_difference"] is None
    assert (await ann.story.account("ann"))["purchased_quota"]["servers"] == 4
    assert await ann.told() == ([], ["Your specification has changed"])


async def _balance_short(ann: Life) -> None:
    (failed,) = await ann.at("2027-04-01T08:00:00", "auto_renewal_failed")
    assert (failed.data["shortfall"], failed.data["attempt"]) == ("44.00", 1)
    assert failed.data["next_attempt_at"] == "2027-04-02T00:00:00Z"
    assert (await ann.told())[0] == ["Auto-renewal failed: $44.00 missing from your account balance"]
    credit = {"entry_id": "ann-e2", "amount": "50.00", "currency": "USD"}
    (renewed,) = await ann.does("tenure.account.credited.v1", "renewed", **credit)
    assert _money(renewed) == ("94.00", "0.00", "94.00", "6.00")
    await ann.told()


async def _declined(ann: Life) -> None:
    await ann.story.advance(datetime.fromisoformat("2027-04-15T10:00:00+08:00"))
    await ann.does("tenure.renewal.declined.v1", "renewal_declined")
    (due,) = await ann.at("2027-05-03T10:00:00", "renewal_due")
    assert (due.data["days_left"], due.data["auto_renewal"]) == (7, "declined")
    assert due.data["quote"] == {"months": 1, "fee": "94.00", "currency": "USD"}
    assert (await ann.told())[0] == ["As you decided, your subscription ends in 7 days, on May 10, 2027"]
    (expired,) = await ann.at("2027-05-11T00:00:00", "expired")
    assert expired.data["retained_until"] == "2027-05-17T16:00:00Z"
    assert expired.data["retained"]["tag"] == 1
    assert (await ann.told())[0] == ["Your subscription has expired: renew by May 17, 2027 to keep your settings"]


async def _back_in_the_last_second_of_grace(ann: Life) -> None:
    await ann.story.advance(datetime.fromisoformat("2027-05-17T23:59:59+08:00"))
    (due,) = await ann.news()
    assert due.kind == "release_due"
    renewal = {"order_id": "ann-3", "duration_months": 1, **TERMS}
    (renewed,) = await ann.does("tenure.renewal.ordered.v1", "renewed", **renewal)
    assert renewed.data["reactivated"] is True
    assert renewed.data["term"]["starts_at"] == "2027-05-10T16:00:00Z"
    await ann.told()


async def _release(ann: Life) -> None:
    renewal = {"order_id": "ann-4", "duration_months": 1, **TERMS}
    await ann.at("2027-06-03T10:00:00", "renewal_due")
    await ann.at("2027-06-11T00:00:00", "expired")
    await ann.told()
    await ann.at("2027-06-17T10:00:00", "release_due")
    assert (await ann.told())[0] == ["Final notice: renew by June 17, 2027, or your settings are deleted"]
    (released,) = await ann.at("2027-06-18T00:00:00", "released")
    assert released.data["purged"]["tag"] == 1
    assert await ann.story.account_status("ann", "/configuration/tag") == 410
    assert await ann.told() == (
        ["Your subscription was released and its settings deleted"],
        ["Your subscription was released"],
    )
    (rejected,) = await ann.does("tenure.renewal.ordered.v1", "order_rejected", **renewal)
    assert rejected.data["code"] == "subscription_released"
    assert (await ann.told())[0] == ["Not accepted: Renewal ann-4"]


def _money(renewed: ObservedEvent) -> tuple[str, ...]:
    return tuple(renewed.data[name] for name in ("fee", "discount", "charged", "balance_after"))
