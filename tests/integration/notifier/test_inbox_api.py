"""HTTP of the inbox (access, pages, marking as read, the live stream, preferences) and of the operators."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.runtime.settings import Settings
from shared.web.auth import Guard
from tenure.local.mail import MailServer
from tests.integration.notifier.environment import Environment, surroundings
from tests.integration.notifier.running import RunningNotifier, running_notifier
from tests.integration.notifier.samples import event
from tests.integration.notifier.streams import events, open_stream
from tests.kit import http
from tests.kit.events import account
from tests.kit.tokens import bearer
from tests.kit.waiting import eventually

CALLS = [
    ("GET", "/api/inbox"),
    ("POST", "/api/inbox/read-all"),
    ("POST", "/api/inbox/{message}/read"),
    ("POST", "/api/inbox/{message}/archive"),
    ("GET", "/api/inbox/stream"),
    ("GET", "/api/preferences"),
    ("PUT", "/api/preferences"),
    ("GET", "/api/notifications"),
]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def settings(module_settings: Settings) -> Settings:
    return module_settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment(settings: Settings, mail_server: MailServer) -> AsyncIterator[Environment]:
    async with surroundings(settings, mail_server) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def notifier(settings: Settings) -> AsyncIterator[RunningNotifier]:
    """One copy for all tests of the module, each of which has accounts of its own."""
    async with running_notifier(settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def reader(notifier: RunningNotifier, environment: Environment) -> str:
    """An account with three unread messages."""
    who = account()
    await environment.publish(event("activated", who, 1), event("renewed", who, 2), event("contact_changed", who, 3))
    await eventually(lambda: has_messages(notifier, who, 3))
    return who


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_every_call_needs_a_good_token(notifier: RunningNotifier, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = await notifier.client.request(method, path, headers=headers, json={"muted": []})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


async def test_nobody_but_an_operator_sees_decisions(notifier: RunningNotifier, reader: str) -> None:
    answer = await notifier.client.get("/api/notifications", headers=bearer(reader))
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_accounts_message_is_404_even_for_an_operator(notifier: RunningNotifier, reader: str) -> None:
    message = (await notifier.inbox(reader))["messages"][0]["id"]
    for stranger in (bearer(account()), bearer("ops", "operator")):
        answer = await notifier.client.post(f"/api/inbox/{message}/read", headers=stranger)
        assert answer.status_code == 404
        assert (await notifier.client.get("/api/inbox", headers=stranger)).json() == {"messages": [], "unread": 0}
        before = await notifier.client.get("/api/inbox", headers=stranger, params={"before": message})
        assert before.status_code == 404
    assert (await notifier.inbox(reader))["unread"] == 3


async def test_a_signed_link_opens_the_inbox_without_a_header(
    notifier: RunningNotifier, reader: str, settings: Settings
) -> None:
    token = Guard(settings).link_token(reader)
    assert (await notifier.client.get("/api/inbox", params={"token": token})).json()["unread"] == 3
    answer = await notifier.client.get("/api/notifications", params={"token": token})
    assert answer.status_code == 401


async def test_pages_go_from_the_newest_message_back(notifier: RunningNotifier, reader: str) -> None:
    first = await notifier.inbox(reader, limit=2)
    assert [one["kind"] for one in first["messages"]] == ["contact_changed", "renewed"]
    second = await notifier.inbox(reader, limit=2, before=first["messages"][-1]["id"])
    assert [one["kind"] for one in second["messages"]] == ["activated"]
    assert [one["kind"] for one in (await notifier.inbox(reader, kind="renewed"))["messages"]] == ["renewed"]


async def test_what_is_archived_leaves_the_list_counts_as_read_and_is_searched_like_the_rest(
    notifier: RunningNotifier, reader: str, environment: Environment
) -> None:
    message = (await notifier.inbox(reader))["messages"][1]
    for _ in range(2):
        answer = await notifier.client.post(f"/api/inbox/{message['id']}/archive", headers=bearer(reader))
        assert answer.json() == {"unread": 2}
    assert message["id"] not in {one["id"] for one in (await notifier.inbox(reader))["messages"]}
    (archived,) = (await notifier.inbox(reader, archived="1"))["messages"]
    assert archived["id"] == message["id"]
    assert archived["read_at"]
    assert archived["archived_at"]
    for search, found in ((message["title"].upper(), 1), ("%", 0), ("\\", 0), ("  ", 1)):
        assert len((await notifier.inbox(reader, archived="1", search=search))["messages"]) == found
    stranger = await notifier.client.post(f"/api/inbox/{message['id']}/archive", headers=bearer(account()))
    assert stranger.status_code == 404


async def test_empty_parameters_count_as_left_out_and_a_page_may_begin_before_an_instant(
    notifier: RunningNotifier, reader: str
) -> None:
    every = (await notifier.inbox(reader))["messages"]
    assert (await notifier.inbox(reader, unread="", kind="", before=""))["messages"] == every
    for later in ("2999-01-01T00:00:00Z", "2999-01-01T00:00:00+08:00"):
        assert (await notifier.inbox(reader, before=later))["messages"] == every
    first = every[-1]["created_at"]
    assert (await notifier.inbox(reader, before=first))["messages"] == []


async def test_reading_lowers_the_count_and_is_published_once(
    notifier: RunningNotifier, reader: str, environment: Environment
) -> None:
    message = (await notifier.inbox(reader))["messages"][0]
    for _ in range(2):
        answer = await notifier.client.post(f"/api/inbox/{message['id']}/read", headers=bearer(reader))
        assert answer.json() == {"unread": 2}
    unread = await notifier.inbox(reader, unread="true")
    assert message["id"] not in {one["id"] for one in unread["messages"]}
    assert (await notifier.inbox(reader))["messages"][0]["read_at"]
    answer = await notifier.client.post("/api/inbox/read-all", headers=bearer(reader))
    assert answer.json() == {"unread": 0}
    outcomes = await environment.outcomes(3 + 2 + 3, of=reader)
    read = [one["data"]["notification_id"] for one in outcomes if one["type"] == "tenure.notification.read.v1"]
    assert len(read) == len(set(read)) == 3


async def test_a_stream_sends_messages_and_counts_from_whichever_copy(
    settings: Settings, notifier: RunningNotifier, environment: Environment
) -> None:
    who, one = account(), notifier
    async with running_notifier(settings) as other:
        await environment.publish(event("activated", who, 1))
        await eventually(lambda: has_messages(one, who, 1))
        for version, at in enumerate((one, other), start=2):
            async with open_stream(at, who) as stream:
                assert (await anext(stream))[::2] == ("unread", {"unread": version - 1})
                await environment.publish(event("renewed", who, version))
                name, number, message = await anext(stream)
                assert (name, message["kind"]) == ("message", "renewed")
                assert number
                assert (await anext(stream))[::2] == ("unread", {"unread": version})
        async with open_stream(other, who, {"Last-Event-ID": "0"}) as stream:
            kinds = [(await anext(stream))[2]["kind"] for _ in range(3)]
            assert kinds == ["activated", "renewed", "renewed"]
            assert (await anext(stream))[::2] == ("unread", {"unread": 3})
            await one.client.post("/api/inbox/read-all", headers=bearer(who))
            assert (await anext(stream))[::2] == ("unread", {"unread": 0})


async def test_a_stream_that_broke_before_its_first_message_misses_none(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    async with open_stream(notifier, who) as stream:
        _, number, _ = await anext(stream)
    await environment.publish(event("activated", who, 1))
    await eventually(lambda: has_messages(notifier, who, 1))
    async with open_stream(notifier, who, {"Last-Event-ID": str(number)}) as stream:
        name, _, message = await anext(stream)
    assert (name, message["kind"]) == ("message", "activated")


async def test_a_stream_takes_its_token_from_the_url_too(
    notifier: RunningNotifier, reader: str, settings: Settings
) -> None:
    parameters = {"token": Guard(settings).link_token(reader)}
    async with notifier.client.stream("GET", "/api/inbox/stream", params=parameters) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert (await anext(events(answer)))[::2] == ("unread", {"unread": 3})


async def test_an_open_stream_does_not_delay_the_stop(settings: Settings) -> None:
    async with running_notifier(settings) as running:
        stream = running.client.stream("GET", "/api/inbox/stream", headers=bearer(account()))
        answer = await stream.__aenter__()
        await anext(events(answer))
        url = str(running.client.base_url)
    with pytest.raises(httpx.ConnectError):
        await http.client().get(f"{url}/health")


async def test_a_muted_channel_is_suppressed_with_its_reason(
    notifier: RunningNotifier, reader: str, environment: Environment
) -> None:
    wanted = {"muted": [{"kind": "renewed", "channel": "email"}]}
    answer = await notifier.client.put("/api/preferences", headers=bearer(reader), json=wanted)
    assert answer.json()["muted"] == wanted["muted"]
    assert (await notifier.client.get("/api/preferences", headers=bearer(reader))).json() == answer.json()
    await environment.publish(event("renewed", reader, 4))
    await eventually(lambda: has_messages(notifier, reader, 4))
    assert (await notifier.status(reader))[-1] == ("renewed", "suppressed", "muted")


async def test_preferences_that_changed_since_they_were_read_are_not_replaced(notifier: RunningNotifier) -> None:
    client, headers, path = notifier.client, bearer(account()), "/api/preferences"
    read = (await client.get(path, headers=headers)).headers["etag"]
    muted = {"muted": [{"kind": "renewed", "channel": "email"}]}
    changed = await client.put(path, headers=headers | {"If-Match": f'"other", {read}'}, json=muted)
    assert (changed.status_code, changed.headers["etag"] != read) == (200, True)
    late = await client.put(path, headers=headers | {"If-Match": read}, json={"muted": []})
    assert (late.status_code, late.headers["content-type"]) == (412, "application/problem+json")
    now = await client.get(path, headers=headers)
    assert (now.json()["muted"], now.headers["etag"]) == (muted["muted"], changed.headers["etag"])
    for condition in [{"If-Match": "*"}, {}]:
        assert (await client.put(path, headers=headers | condition, json={"muted": []})).status_code == 200


async def test_a_protected_kind_keeps_a_channel(notifier: RunningNotifier, reader: str) -> None:
    wanted = {"muted": [{"kind": "expired", "channel": "email"}, {"kind": "expired", "channel": "inbox"}]}
    answer = await notifier.client.put("/api/preferences", headers=bearer(reader), json=wanted)
    assert answer.status_code == 422
    assert "expired" in answer.json()["detail"]
    assert (await notifier.client.get("/api/preferences", headers=bearer(reader))).json()["muted"] == []


@pytest.mark.parametrize(
    "parameters", [{"limit": 0}, {"limit": 1000}, {"before": "a b"}, {"unread": "perhaps"}, {"search": "x" * 101}]
)
async def test_invalid_parameters_are_a_problem_document(notifier: RunningNotifier, parameters: dict[str, Any]) -> None:
    answer = await notifier.client.get("/api/inbox", headers=bearer(account()), params=parameters)
    assert answer.status_code == 422
    assert next(iter(parameters)) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/inbox", ("unread", "kind", "before", "search", "archived", "limit")),
        ("/api/notifications", ("account_id", "status", "kind", "since", "before", "limit")),
        ("/api/suppressions", ("account_id", "after", "limit")),
    ],
)
async def test_an_empty_parameter_of_a_list_counts_as_left_out(
    notifier: RunningNotifier, reader: str, path: str, names: tuple[str, ...]
) -> None:
    headers = bearer(reader) if path == "/api/inbox" else bearer("ops", scope="operator")
    await eventually(notifier.nothing_is_queued)
    whole = await notifier.client.get(path, headers=headers)
    empty = await notifier.client.get(path, headers=headers, params=dict.fromkeys(names, ""))
    assert (empty.status_code, empty.json()) == (200, whole.json())


@pytest.mark.parametrize(
    "since",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-21T02:00:00", "1700000000"],
)
async def test_decisions_since_what_is_no_instant_are_a_problem_document(notifier: RunningNotifier, since: str) -> None:
    headers = bearer("ops", scope="operator")
    answer = await notifier.client.get("/api/notifications", headers=headers, params={"since": since})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "since" in answer.json()["detail"]


async def test_operators_page_through_all_decisions(notifier: RunningNotifier, reader: str) -> None:
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"account_id": reader, "limit": 2}
    while asked.get("before", True) is not None:
        answer = await notifier.client.get("/api/notifications", headers=bearer("ops", "operator"), params=asked)
        found += answer.json()["notifications"]
        asked["before"] = answer.json()["before"]
    assert len(found) == len({one["notification_id"] for one in found}) == 5
    assert [one["number"] for one in found] == sorted((one["number"] for one in found), reverse=True)
    unknown = {"account_id": account()}
    answer = await notifier.client.get("/api/notifications", headers=bearer("ops", "operator"), params=unknown)
    assert answer.status_code == 404


async def has_messages(notifier: RunningNotifier, who: str, count: int) -> bool:
    return len((await notifier.inbox(who))["messages"]) >= count
