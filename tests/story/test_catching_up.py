"""The services were away for months, in real time: what they find on three topics is decided as if in time (R4)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from subscription_service.domain.calendar import add_months
from tenure.local.mail import MailServer
from tenure.local.running import running
from tenure.local.stack import StackOptions
from tenure.story.driver import Driver, addresses_of, driving, eventually
from tenure.story.observed import ObservedEvent
from tests.kit.events import FULL

ZONE: Final = ZoneInfo("Asia/Shanghai")
DAY: Final = timedelta(days=1)
NOW: Final = datetime.now(UTC)
BOUGHT_ON: Final = (NOW - 75 * DAY).astimezone(ZONE).date()
FIRST_E: Final = add_months(BOUGHT_ON, 1, BOUGHT_ON.day)
SECOND_E: Final = add_months(BOUGHT_ON, 2, BOUGHT_ON.day)

History = Sequence[tuple[str, datetime]]

pytestmark = pytest.mark.asyncio(loop_scope="module")


def clock(day: date, at: str) -> datetime:
    """That time of that day in the billing zone."""
    return datetime.combine(day, time.fromisoformat(at), ZONE)


def end_of_life(last_e: date) -> History:
    """What expiry on that day brings, each at its own instant."""
    return [
        ("expired", clock(last_e + DAY, "00:00")),
        ("release_due", clock(last_e + 7 * DAY, "10:00")),
        ("released", clock(last_e + 8 * DAY, "00:00")),
    ]


BOUGHT_AT: Final = clock(BOUGHT_ON, "09:00")
BEFORE_REMINDER: Final = clock(FIRST_E - 8 * DAY, "12:00")
LAST_SECOND: Final = clock(FIRST_E, "23:59:59")
IN_GRACE: Final = clock(FIRST_E + 4 * DAY, "12:00")
CREDITED_AT: Final = BOUGHT_AT + DAY

HISTORIES: Final[Mapping[str, History]] = {
    "early": [
        ("activated", BOUGHT_AT),
        ("renewed", BEFORE_REMINDER),
        ("renewal_due", clock(SECOND_E - 7 * DAY, "10:00")),
        *end_of_life(SECOND_E),
    ],
    "last": [
        ("activated", BOUGHT_AT),
        ("renewal_due", clock(FIRST_E - 7 * DAY, "10:00")),
        ("renewed", LAST_SECOND),
        ("renewal_due", clock(SECOND_E - 7 * DAY, "10:00")),
        *end_of_life(SECOND_E),
    ],
    "grace": [
        ("activated", BOUGHT_AT),
        ("renewal_due", clock(FIRST_E - 7 * DAY, "10:00")),
        ("expired", clock(FIRST_E + DAY, "00:00")),
        ("renewed", IN_GRACE),
        ("renewal_due", clock(SECOND_E - 7 * DAY, "10:00")),
        *end_of_life(SECOND_E),
    ],
    "automatic": [
        ("activated", BOUGHT_AT),
        ("renewed", clock(FIRST_E - 9 * DAY, "08:00")),
        *[("auto_renewal_failed", clock(SECOND_E - days * DAY, "08:00")) for days in (9, 8, 7)],
        ("renewal_due", clock(SECOND_E - 7 * DAY, "10:00")),
        *[("auto_renewal_failed", clock(SECOND_E - days * DAY, "08:00")) for days in (6, 5, 4, 3, 2, 1)],
        *end_of_life(SECOND_E),
    ],
    "late": [
        ("activated", BOUGHT_AT),
        ("renewal_due", clock(FIRST_E - 7 * DAY, "10:00")),
        *end_of_life(FIRST_E),
        ("order_rejected", clock(FIRST_E + 9 * DAY, "12:00")),
    ],
}
RENEWED_AT: Final = {
    "early": BEFORE_REMINDER,
    "last": LAST_SECOND,
    "grace": IN_GRACE,
    "late": HISTORIES["late"][-1][1],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caught_up(
    stack_options: Mapping[str, Any], mail_server: MailServer
) -> AsyncIterator[tuple[Driver, Mapping[str, list[ObservedEvent]]]]:
    """The services were there once and went; a backlog came; they are back and have dealt with it."""
    prefix, wanted = stack_options["environment"]["TENURE_TOPIC_PREFIX"], StackOptions(**stack_options)
    async with running(wanted, say=print) as first:
        where = addresses_of(first, mail_url=mail_server.url, topic_prefix=prefix)
    async with driving(where) as away:
        for account in HISTORIES:
            await _backlog(away, account)
    async with running(wanted, say=print) as second:
        where = addresses_of(second, mail_url=mail_server.url, topic_prefix=prefix)
        async with driving(where) as back:
            yield back, await _histories(back)


async def _backlog(away: Driver, account: str) -> None:
    """What one customer did in the meantime; the asset service's word, the newest, comes first of all."""

    async def publish(type_: str, at: datetime, **data: Any) -> None:
        await away.publish(type_, {"account_id": account, **data}, time=at)

    await publish("tenure.server.registered.v1", NOW - DAY, server_id=f"{account}-server", cores=4)
    if account in RENEWED_AT:
        order = {"order_id": f"{account}-2", "duration_months": 1, "terms_accepted": True}
        await publish("tenure.renewal.ordered.v1", RENEWED_AT[account], **order)
    contact = {"name": "Ann Lee", "email": f"{account}@caught-up.example", "locale": "en", "time_zone": "UTC"}
    order = {"order_id": f"{account}-1", "duration_months": 1, "terms_accepted": True}
    order |= {"contact": contact, "specification": FULL, "auto_renewal": account == "automatic"}
    await publish("tenure.purchase.ordered.v1", BOUGHT_AT, **order)
    if account == "automatic":
        await publish("tenure.account.credited.v1", CREDITED_AT, entry_id="e-1", amount="70.50", currency="USD")


async def _histories(back: Driver) -> Mapping[str, list[ObservedEvent]]:
    """Each account's lifecycle events in the order of their versions, once as many as expected are there."""
    found: dict[str, list[ObservedEvent]] = {account: [] for account in HISTORIES}

    async def complete() -> bool:
        for event in await back.new_events():
            found[event.account].append(event)
        return all(len(found[account]) >= len(history) for account, history in HISTORIES.items())

    await eventually(complete, "the whole history of every account")
    return {account: sorted(events, key=lambda event: event.data["version"]) for account, events in found.items()}


Caught = tuple[Driver, Mapping[str, list[ObservedEvent]]]


@pytest.mark.rule("R4", "R12", "R20", "R25", "R29", "R31", "R34", "R35")
@pytest.mark.parametrize("account", HISTORIES)
async def test_every_transition_that_was_missed_happens_once_and_in_order_at_its_own_instant(
    caught_up: Caught, account: str
) -> None:
    events = caught_up[1][account]
    assert [(event.kind, event.time) for event in events] == HISTORIES[account]
    assert [event.data["version"] for event in events] == list(range(1, len(events) + 1))


@pytest.mark.rule("R4")
async def test_what_was_missed_is_recorded_as_of_now(caught_up: Caught) -> None:
    for events in caught_up[1].values():
        for event in events:
            assert datetime.fromisoformat(event.envelope["recordedat"]) >= NOW


@pytest.mark.rule("R30")
async def test_a_reminder_that_comes_when_all_is_over_states_that_no_day_is_left(caught_up: Caught) -> None:
    reminders = [event for events in caught_up[1].values() for event in events if event.kind == "renewal_due"]
    assert {event.data["days_left"] for event in reminders} == {0}


@pytest.mark.rule("R1", "R32")
async def test_terms_lie_behind_one_another_whenever_they_are_read(caught_up: Caught) -> None:
    for account in ("early", "last", "grace", "automatic"):
        renewed = next(event for event in caught_up[1][account] if event.kind == "renewed")
        assert renewed.data["expires_on"] == SECOND_E.isoformat()
        assert datetime.fromisoformat(renewed.data["term"]["starts_at"]) == clock(FIRST_E + DAY, "00:00")
        assert renewed.data["reactivated"] is (account == "grace")


@pytest.mark.rule("R4", "R35")
async def test_yesterdays_inventory_is_there_and_has_spoiled_nothing(caught_up: Caught) -> None:
    overview = await caught_up[0].account("early")
    assert overview["registered"] == {"servers": 1, "cores": 4}
    assert (overview["state"], overview["edition"]) == ("released", "basic")


async def test_the_late_renewal_is_told_that_it_came_too_late(caught_up: Caught) -> None:
    assert caught_up[1]["late"][-1].data["code"] == "subscription_released"


async def test_no_reminder_is_mailed_that_the_clock_has_made_outdated(caught_up: Caught) -> None:
    """The notifier decides on every event; what is over is suppressed, and never delivered: after the release also
    that the subscription had expired.
    """
    back = caught_up[0]

    async def decided() -> bool:
        decisions = await back.decisions("early")
        return len(decisions) == 2 * len(HISTORIES["early"]) and all(one["status"] != "queued" for one in decisions)

    await eventually(decided, "every decision of the notifier about the account early")
    mails = await back.mails("early@caught-up.example")
    assert sorted(mail.kind for mail in mails) == ["activated", "released", "renewed"]
