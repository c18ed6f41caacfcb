"""Input that cannot be read, through Kafka: each record becomes a dead letter with its reason, its neighbours do not.

`internal_error` is not here, since nothing that can be sent causes it; `tests/integration` has it. One stack serves all
tests. Each has accounts and ids of its own and checks by itself what its records came to, so their order does not
matter; the clock goes on from test to test.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any, Final

import pytest
import pytest_asyncio

from shared.contracts.topics import PURCHASES
from shared.kafka.sizes import KEPT_BYTES
from tenure.local.mail import MailServer
from tenure.story.driver import Driver, envelope
from tenure.topics import Headers
from tests.kit.events import FULL
from tests.story.driven import driven_stack

BEGINS: Final = datetime.fromisoformat("2027-01-10T09:00:00+08:00")
SECOND: Final = timedelta(seconds=1)
ORDER: Final = {
    "specification": FULL,
    "duration_months": 1,
    "auto_renewal": False,
    "terms_accepted": True,
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(stack_options: Mapping[str, Any], mail_server: MailServer) -> AsyncIterator[Driver]:
    async with driven_stack(stack_options, mail_server, BEGINS) as driver:
        await driver.publish("tenure.account.credited.v1", {**SPENT, "account_id": "ann", "amount": "1.00"})
        await driver.settle()
        yield driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One record, and why it is put aside."""

    reason: str
    value: bytes | None
    headers: Headers = ()


def event(type_: str, data: Mapping[str, Any], **attributes: Any) -> dict[str, Any]:
    whole = envelope(type_, {"account_id": "ann", **data}, time=BEGINS)
    return {**whole, **attributes}


def structured(reason: str, content: Any) -> Bad:
    return Bad(reason=reason, value=json.dumps(content).encode())


def binary(reason: str, content: Mapping[str, Any]) -> Bad:
    """The same event with its attributes in headers."""
    attributes = [(f"ce_{name}", str(text).encode()) for name, text in content.items() if name != "data"]
    value = json.dumps(content["data"]).encode()
    return Bad(reason=reason, value=value, headers=[*attributes, ("content-type", b"application/json")])


CREDIT: Final = {"amount": "1.00", "currency": "USD"}


def credit(entry: str, **attributes: Any) -> dict[str, Any]:
    return event("tenure.account.credited.v1", {"entry_id": entry, **CREDIT}, **attributes)


def contact(**fields: str) -> dict[str, str]:
    return {"name": "Ann Lee", "email": "ann@bad-input.example", "locale": "en", "time_zone": "UTC", **fields}


def _without(name: str) -> dict[str, Any]:
    return {field: value for field, value in credit("e-without").items() if field != name}


def _of_another_edition() -> dict[str, Any]:
    specification = {**ORDER["specification"], "edition": "platinum"}  # type: ignore[dict-item]
    order = {**ORDER, "order_id": "o-bad", "contact": contact(), "specification": specification}
    return event("tenure.purchase.ordered.v1", order)


def _named(name: str) -> dict[str, Any]:
    return event("tenure.account.contact_changed.v1", {"contact": contact(name=name)})


SPENT: Final = {**CREDIT, "entry_id": "e-spent", "amount": "2.00"}
MISPLACED: Final = event("tenure.renewal.declined.v1", {})
AHEAD: Final = (BEGINS + timedelta(minutes=40)).isoformat()

BAD: Final[Mapping[str, Bad]] = {
    "no value": Bad(reason="not_json", value=None),
    "an empty value": Bad(reason="not_json", value=b""),
    "half a document": Bad(reason="not_json", value=b'{"specversion": "1.0"'),
    "bytes that are no text": Bad(reason="not_json", value=b"\xff\xfe\x00"),
    "a list": structured("not_cloudevents", [1, 2]),
    "no source": structured("not_cloudevents", _without("source")),
    "no source in the headers": binary("not_cloudevents", _without("source")),
    "a time that is none": structured("not_cloudevents", credit("e-time", time="yesterday")),
    "a header that is not UTF-8": Bad(reason="not_cloudevents", value=b"{}", headers=[("ce_type", b"\xff")]),
    "a type of nobody": structured("unknown_type", credit("e-type", type="tenure.account.robbed.v1")),
    "a type of nobody in the headers": binary("unknown_type", credit("e-type", type="tenure.robbed.v1")),
    "a type of another topic": structured("unknown_type", MISPLACED),
    "another edition": structured("invalid_data", _of_another_edition()),
    "another edition, binary": binary("invalid_data", _of_another_edition()),
    "NUL in a name": structured("invalid_data", _named("Ann\0Lee")),
    "a lone surrogate in a name": structured("invalid_data", _named("\ud800")),
    "an id with a blank": structured("invalid_data", credit("e-id", id="a b")),
    "another subject": structured("subject_mismatch", credit("e-subject", subject="bob")),
    "another subject in the headers": binary("subject_mismatch", credit("e-subject", subject="bob")),
    "the future": structured("time_in_future", credit("e-future", time=AHEAD)),
    "the future in the headers": binary("time_in_future", credit("e-future", time=AHEAD)),
    "a spent entry id": structured("id_conflict", event("tenure.account.credited.v1", SPENT)),
    "a spent entry id, binary": binary("id_conflict", event("tenure.account.credited.v1", SPENT)),
    "more than can be read": Bad(reason="too_large", value=b'"%s"' % (b"x" * 999_999)),
}


@pytest.mark.rule("R39", "G4")
@pytest.mark.parametrize("name", BAD)
async def test_a_record_that_cannot_be_read_is_put_aside_and_its_neighbours_are_not(story: Driver, name: str) -> None:
    bad, neighbour = BAD[name], f"neighbour-{list(BAD).index(name)}"

    async def credited(entry: str) -> None:
        await story.publish("tenure.account.credited.v1", {**CREDIT, "account_id": neighbour, "entry_id": entry})

    before = await story.outcomes()
    await credited(f"{neighbour}-before")
    await story.send(PURCHASES, bad.value, key=neighbour.encode(), headers=bad.headers)
    await credited(f"{neighbour}-after")
    await story.settle()
    (letter,) = await story.new_dead_letters()
    kept = bad.value[:KEPT_BYTES] if bad.value and bad.reason == "too_large" else bad.value
    assert (letter.reason, letter.value, letter.key) == (bad.reason, kept, neighbour.encode())
    assert letter.detail
    assert (await story.account(neighbour))["balance"] == "2.00"
    assert await story.outcomes() - before == {"applied": 2, "dead_letter": 1}


async def test_a_record_without_key_and_value_is_put_aside(story: Driver) -> None:
    before = await story.outcomes()
    await story.send(PURCHASES, None)
    await story.settle()
    (letter,) = await story.new_dead_letters()
    assert (letter.reason, letter.key, letter.value) == ("not_json", None, None)
    assert await story.outcomes() - before == {"dead_letter": 1}


async def test_a_good_event_needs_no_key_and_may_carry_headers_that_are_no_text(story: Driver) -> None:
    good = structured("none", event("tenure.account.credited.v1", {**CREDIT, "entry_id": "keyless"}))
    before = (await story.account("ann"))["balance"]
    await story.send(PURCHASES, good.value, headers=[("note", b"\xff\xfe"), ("traceparent", b"\xff")])
    await story.settle()
    assert await story.new_dead_letters() == []
    assert float((await story.account("ann"))["balance"]) == float(before) + 1


@pytest.mark.rule("R39")
async def test_duplicates_change_nothing_and_say_nothing(story: Driver) -> None:
    order = {**ORDER, "account_id": "twice", "order_id": "twice-1", "contact": contact()}
    before = await story.outcomes()
    for again in ("one", "one", "two"):  # the same event, then the same order in another event
        await story.publish("tenure.purchase.ordered.v1", order, id=f"twice-{again}")
    await story.settle()
    assert [event.kind for event in await story.new_events() if event.account == "twice"] == ["activated"]
    assert len(await story.inbox("twice")) == 1
    assert await story.outcomes() - before == {"applied": 1, "duplicate": 2}


@pytest.mark.rule("R39", "R41")
async def test_the_same_order_id_with_other_content_is_refused(story: Driver) -> None:
    order = {**ORDER, "account_id": "first", "order_id": "same-id", "contact": contact()}
    before = await story.outcomes()
    await story.publish("tenure.purchase.ordered.v1", order)
    await story.settle()
    await story.publish("tenure.purchase.ordered.v1", {**order, "account_id": "second"})
    await story.settle()
    (rejected,) = [event for event in await story.new_events() if event.account == "second"]
    assert (rejected.kind, rejected.data["code"]) == ("order_rejected", "order_conflict")
    assert await story.outcomes() - before == {"applied": 1, "rejected": 1}


@pytest.mark.rule("R40", "G4")
async def test_a_renewal_for_an_unknown_account_waits_15_minutes_and_is_then_refused(story: Driver) -> None:
    renewal = {"account_id": "nobody", "order_id": "nobody-1", "duration_months": 1, "terms_accepted": True}
    await story.publish("tenure.renewal.ordered.v1", renewal)
    await story.settle()
    over = story.now + timedelta(minutes=15)
    await story.advance(over - SECOND)
    assert [event for event in await story.new_events() if event.account == "nobody"] == []
    assert (await story.outcomes())["parked"] == 1
    await story.advance(over)
    (rejected,) = [event for event in await story.new_events() if event.account == "nobody"]
    assert (rejected.kind, rejected.data["code"], rejected.time) == ("order_rejected", "not_subscribed", over)
    assert (await story.outcomes())["parked"] == 0
    reasons = {decision["channel"]: decision["reason"] for decision in await story.decisions("nobody")}
    assert "no_contact" in str(reasons["email"])


async def test_a_name_full_of_html_and_line_breaks_stays_a_name(story: Driver) -> None:
    name, address = "<script>alert(1)</script>\r\nBcc: eve@bad-input.example\x07", "mallory@bad-input.example"
    order = {**ORDER, "account_id": "mallory", "order_id": "m-1", "contact": contact(name=name, email=address)}
    await story.publish("tenure.purchase.ordered.v1", order)
    await story.settle()
    (mail,) = await story.mails(address)
    sent = message_from_bytes(mail.raw, policy=policy.default)
    assert sent["Bcc"] is None
    html = sent.get_body(preferencelist=("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert await story.mails("eve@bad-input.example") == []


async def test_an_address_that_holds_another_header_gets_no_mail_and_harms_nothing(story: Driver) -> None:
    address = "trent@bad-input.example\r\nBcc: eve@bad-input.example"
    order = {**ORDER, "account_id": "trent", "order_id": "t-1", "contact": contact(email=address)}
    await story.publish("tenure.purchase.ordered.v1", order)
    await story.settle()
    ends = {decision["channel"]: decision["status"] for decision in await story.decisions("trent")}
    assert ends == {"email": "failed", "inbox": "delivered"}
    assert await story.mails("eve@bad-input.example") == []
    assert len(await story.inbox("trent")) == 1


@pytest.mark.rule("G4")
async def test_every_record_that_was_sent_is_accounted_for(story: Driver) -> None:
    """Those of the tests before it, whichever they are, and one more."""
    await story.publish("tenure.account.credited.v1", {**CREDIT, "account_id": "ann", "entry_id": "e-counted"})
    await story.settle()
    assert (await story.outcomes()).total() == len(story.sent)
