"""A person is forgotten in everything that the notifier holds, in whatever state its emails are (R48)."""

from typing import Any, Final

import pytest

from notifier_service.storage import erasure
from shared.contracts.topics import NOTIFICATION_DEAD_LETTERS
from shared.outbox import dead_letters
from shared.runtime.settings import Settings
from shared.storage.database import transaction
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier, running_notifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.events import account
from tests.kit.stored import found_in
from tests.kit.tokens import bearer, operator
from tests.kit.waiting import eventually

NAME: Final = "Zebedee"
PLANTED: Final = CONTACT | {"name": f"{NAME} Quux", "email": f"{NAME.lower()}@zebedee.example"}
OTHERS: Final = [PLANTED | {"recipient_id": "finance", "kinds": ["released"]}]
IN_NOTIFICATIONS: Final = ("notification.event", "notification.recipient")
ANEW: Final = CONTACT | {"name": "Eve", "email": "eve@anew.example"}


async def places(notifier: RunningNotifier) -> set[str]:
    """Where anything of the person is stored."""
    async with transaction(notifier.engine) as connection:
        return set(await found_in(connection, NAME))


async def held(notifier: RunningNotifier, who: str) -> Any:
    """What an operator is told of the person."""
    answer = await notifier.client.get(f"/api/accounts/{who}/person", headers=operator())
    return answer.raise_for_status().json()


async def is_forgotten(notifier: RunningNotifier) -> bool:
    return not await places(notifier)


@pytest.mark.rule("R48")
async def test_nothing_of_the_person_is_left(
    notifier: RunningNotifier, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "_AT_ONCE", 2)
    monkeypatch.setattr(dead_letters, "_AT_ONCE", 2)
    who = account()
    muted = {"muted": [{"kind": "quota_restored", "channel": "inbox"}]}
    await notifier.client.put("/api/preferences", headers=bearer(who), json=muted)
    listed = event("recipients_changed", who, 1, recipients=OTHERS)
    await environment.publish(listed, event("activated", who, 1, contact=PLANTED))
    await eventually(lambda: notifier.has_email(who, "delivered"))
    await environment.set_mail_behaviour(reply="451 4.7.1 please come back")
    changed, refused = event("contact_changed", who, 2, contact=PLANTED), event("order_rejected", who, 3)
    vanished = [event("activated", who, n, contact=PLANTED) | {"type": "tenure.vanished.v1"} for n in range(4, 9)]
    await environment.publish(changed, *vanished, refused, event("activated", who, 9, contact=PLANTED))
    await eventually(lambda: tried_twice(notifier, who))
    expected = {"recipient.contact", "recipient.further", "message.body", *IN_NOTIFICATIONS, "log.value"}
    assert await places(notifier) == expected
    assert len((await held(notifier, who))["dead_letters"]) == 5
    assert (await held(notifier, who))["contact"]["name"] == PLANTED["name"]
    await environment.publish(event("erased", who, 10))
    await eventually(lambda: is_forgotten(notifier))
    statuses = [(kind, status) for kind, status, _ in await notifier.status(who)]
    assert statuses == [("activated", "delivered"), ("order_rejected", "suppressed"), ("activated", "suppressed")]
    inbox = await notifier.inbox(who)
    assert (inbox["messages"], inbox["unread"]) == ([], 0)
    assert (await held(notifier, who))["contact"] is None
    assert (await notifier.client.get("/api/preferences", headers=bearer(who))).json()["muted"] == []
    ended = [one["data"] for one in await environment.outcomes(7) if one["type"].endswith("suppressed.v1")]
    assert [(one["channel"], one["reason"], one["attempts"]) for one in ended] == [("email", "erased", 1)] * 2
    assert len(await environment.mails()) == 1


async def tried_twice(notifier: RunningNotifier, who: str) -> bool:
    return [one["attempts"] for one in await notifier.decisions(who) if one["status"] == "queued"] == [1, 1]


@pytest.mark.rule("R48")
async def test_after_it_mails_find_no_contact_until_a_later_one_begins_anew(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    erased = event("erased", who, 2)
    await environment.publish(event("activated", who, 1, contact=PLANTED), erased, event("renewed", who, 3))
    await eventually(lambda: notifier.has_decisions(who, 4))
    assert (await notifier.status(who))[1:] == [("renewed", "suppressed", "no_contact")]
    assert (await notifier.status(who, "inbox"))[1:] == [("renewed", "delivered", None)]
    await environment.publish(event("contact_changed", who, 4, contact=ANEW), event("renewed", who, 5), erased)
    await eventually(lambda: environment.mails("eve@anew.example"))
    await environment.publish(event("renewal_declined", who, 6))
    await eventually(lambda: notifier.has_decisions(who, 8))
    kinds = [one["kind"] for one in (await notifier.inbox(who))["messages"]]
    assert kinds == ["renewal_declined", "renewed", "contact_changed", "renewed"]


@pytest.mark.rule("R48")
async def test_what_lies_in_the_same_batch_before_the_erasure_is_never_told(
    settings: Settings, environment: Environment
) -> None:
    who = account()
    async with running_notifier(settings):
        """It makes the topics."""
    unreadable = event("renewed", who, 2, contact=PLANTED) | {"type": "tenure.vanished.v1"}
    await environment.publish(
        event("activated", who, 1, contact=PLANTED), unreadable, event("erased", who, 3), event("renewed", who, 4)
    )
    async with running_notifier(settings) as notifier:
        await eventually(lambda: notifier.has_decisions(who, 4))
        assert (await notifier.status(who))[0] == ("activated", "suppressed", "erased")
        assert (await notifier.status(who, "inbox"))[0] == ("activated", "suppressed", "erased")
        assert await places(notifier) == set()
        [letter] = await environment.records(NOTIFICATION_DEAD_LETTERS, 1)
        assert (letter.value, letter.key) == (None, who.encode())
    assert await environment.mails() == []


@pytest.mark.rule("R48", "G3")
async def test_an_email_that_is_just_being_delivered_ends_as_its_delivery_does(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.set_mail_behaviour(delay=4)
    await environment.publish(event("activated", who, 1, contact=PLANTED))
    await eventually(lambda: is_under_way(notifier, who))
    await environment.publish(event("erased", who, 2))
    await eventually(lambda: is_forgotten(notifier))
    assert await is_under_way(notifier, who)
    await eventually(lambda: notifier.has_email(who, "delivered"))
    assert await is_forgotten(notifier)


async def is_under_way(notifier: RunningNotifier, who: str) -> bool:
    return any(one["under_way"] for one in await notifier.decisions(who))
