"""The operations page on a real Kafka: what it reads, who may see it, and what it does when something is away."""

from pathlib import Path

import pytest

from shared.contracts.topics import (
    DEAD_LETTERS,
    LIFECYCLE,
    OUTCOMES,
    PURCHASES,
    STATE,
)
from shared.kafka.topics import ensure
from shared.runtime.line_limit import message_of
from shared.runtime.log_lines import GOES_ON, WAITING
from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.ops.access import COOKIE
from tenure.ops.model import KEPT_TOPICS, WATCHED_TOPICS
from tests.kit import http
from tests.kit.ops import publishing, running_page, shows
from tests.kit.settings import NOBODY, service_settings
from tests.kit.tokens import bearer, operator
from tests.kit.waiting import eventually
from tests.unit.ops.records import lifecycle, outcome, state

TOPICS = (*KEPT_TOPICS, *WATCHED_TOPICS)
HTML = {"Accept": "text/html"}


@pytest.fixture
def settings(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Settings:
    nowhere = NOBODY.replace("http", "postgresql")
    return service_settings(kafka, nowhere, topic_prefix, topic_partitions=2, ops_data_dir=tmp_path / "ops")


async def test_it_shows_what_the_topics_hold_from_before_and_from_now_on(settings: Settings) -> None:
    await ensure(TOPICS, settings)
    async with publishing(settings) as publisher:
        await publisher.put(STATE, state("acct-1", 1), key="acct-1")
        await publisher.put(STATE, state("acct-1", 2, state="grace"), key="acct-1")
        await publisher.put(STATE, state("acct-2", 1), key="acct-2")
        await publisher.put(STATE, state("acct-3", 1, state="released"), key="acct-3", commit=False)
        await publisher.put(STATE, b"\xff garbage", key="acct-4")
        name = await publisher.put(
            DEAD_LETTERS,
            b'{"subject": "acct-2", "<b>": 1}',
            headers={"dead-letter-reason": "invalid_data", "dead-letter-detail": "data.cores", "mine": "kept"},
        )
        async with running_page(settings) as client:
            assert await shows(client, "<b>1</b> <span>active", "<b>1</b> <span>grace", "<b>0</b> <span>released")
            assert await shows(client, "<b>1 record</b> on our own topics", "subscription-state 1")
            assert await shows(client, "acct-1", path="/ops/accounts?state=grace")
            assert not await shows(client, "acct-2", path="/ops/accounts?state=grace")
            assert await shows(client, "acct-2", path="/ops/accounts?account=acct-2")
            form = "account={}&state=&expires_from=&expires_to=&outlook=&failing=&over_quota="  # as a browser sends it
            assert await shows(client, "acct-1", "acct-2", path=f"/ops/accounts?{form.format('')}")
            assert not await shows(client, "acct-1", path=f"/ops/accounts?{form.format('acct-2')}")
            assert await shows(client, name, "data.cores", path="/ops/dead-letters")
            assert await shows(
                client, "&#34;&lt;b&gt;&#34;: 1", "mine", "invalid_data", path=f"/ops/dead-letters/{name}"
            )
            for missing in (f"{DEAD_LETTERS}:0:77", f"{DEAD_LETTERS}:99:0", f"{STATE}:0:0", "nonsense"):
                assert (await client.get(f"/ops/dead-letters/{missing}")).status_code == 404

            await publisher.put(PURCHASES, {"id": "evt-1"}, key="acct-9")
            refused = lifecycle("order_rejected", "acct-9", cause={"type": "a.b.v1", "id": "evt-1"})
            await publisher.put(LIFECYCLE, refused, key="acct-9")
            await publisher.put(OUTCOMES, outcome("failed", "acct-9"), key="acct-9")
            await publisher.put(STATE, None, key="acct-2")
            await eventually(lambda: shows(client, "servers_below_inventory", "failed 550", "<b>0</b> <span>active"))
            await eventually(lambda: shows(client, '<td class="n">1</td></tr>'))  # one latency
            assert await shows(client, "acct-9", "ord-20260306-0001", path="/ops/refusals?code=servers_below_inventory")
            assert await shows(client, "550 5.1.1 mailbox unknown", path="/ops/mails?outcome=failed+550")
            assert await shows(client, "subscription-lifecycle", "notifier", path="/ops/lag")


async def test_only_operators_may_see_it_and_a_token_becomes_a_cookie(settings: Settings) -> None:
    async with running_page(settings) as admitted, http.client(base_url=admitted.base_url) as client:
        for path in (
            "/ops",
            "/ops/accounts",
            "/ops/refusals",
            "/ops/mails",
            "/ops/lag",
            "/ops/dead-letters",
            "/ops/stream",
        ):
            assert (await client.get(path)).status_code == 401
            answer = await client.get(path, headers=bearer("acct-1"))
            assert answer.status_code == 403
            assert answer.headers["content-type"] == "application/problem+json"
        bare = await client.get("/", params={"token": "abc"})
        assert (bare.status_code, bare.headers["location"]) == (307, "/ops?token=abc")
        assert (await client.get("/")).headers["location"] == "/ops"
        asked = await client.get("/ops", headers=HTML)
        assert (asked.status_code, asked.headers["www-authenticate"]) == (401, "Bearer")
        assert "Operator token" in asked.text
        for wrong in ("", "nonsense", bearer("acct-1")["Authorization"].removeprefix("Bearer ")):
            refused = await client.post("/ops/login", data={"token": wrong}, headers=HTML)
            assert refused.status_code in (401, 403)
            assert "set-cookie" not in refused.headers
        token = operator()["Authorization"].removeprefix("Bearer ")
        foreign = await client.post("/ops/login", data={"token": token}, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        for entered in (
            await client.post("/ops/login", data={"token": token}, headers={"Sec-Fetch-Site": "same-origin"}),
            await client.get("/ops", params={"token": token}),
        ):
            assert (entered.status_code, entered.headers["location"]) == (303, "/ops")
            cookie = entered.headers["set-cookie"]
            assert all(part in cookie for part in (f"{COOKIE.name}={token}", "HttpOnly", "SameSite=lax", "Path=/ops"))
        assert (await client.get("/ops")).status_code == 200
        await client.post("/ops/logout")
        assert (await client.get("/ops")).status_code == 401


async def test_topics_that_come_later_are_read_then(settings: Settings) -> None:
    async with running_page(settings) as client:
        assert await shows(client, "No such topic yet", "subscription-state", "No account is known yet")
        assert (await client.get("/ready")).status_code == 200
        await ensure(TOPICS, settings)
        async with publishing(settings) as publisher:
            await publisher.put(STATE, state("acct-1"), key="acct-1")
        await eventually(lambda: shows(client, "<b>1</b> <span>active"))
        assert not await shows(client, "No such topic yet")


async def test_a_restart_goes_on_from_the_snapshot_and_counts_nothing_twice(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await ensure(TOPICS, settings)
    async with publishing(settings) as publisher:
        for number in range(3):
            await publisher.put(STATE, state(f"acct-{number}"), key=f"acct-{number}")
            await publisher.put(LIFECYCLE, lifecycle("order_rejected", "acct-1", number), key="acct-1")
        async with running_page(settings) as client:
            assert await shows(client, "<b>3</b> <span>active", '<td class="n">3</td></tr>')
        await publisher.put(STATE, state("acct-0", 2, state="grace"), key="acct-0")
        await publisher.put(LIFECYCLE, lifecycle("order_rejected", "acct-1", 9), key="acct-1")
        with caplog.at_level("INFO"):
            async with running_page(settings) as client:
                assert await shows(client, "<b>2</b> <span>active", "<b>1</b> <span>grace", '<td class="n">4</td></tr>')
        assert "the page goes on from its snapshot accounts=3" in caplog.text
        assert settings.ops_data_dir
        [file] = settings.ops_data_dir.iterdir()
        file.write_bytes(file.read_bytes()[:-1])
        async with running_page(settings) as client:
            assert await shows(client, "<b>2</b> <span>active", "<b>1</b> <span>grace", '<td class="n">4</td></tr>')
        assert "the page's own snapshot is not used" in caplog.text


async def test_without_the_broker_it_says_since_when_it_is_stale_and_goes_on_by_itself(
    settings: Settings, kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tenure")
    await ensure(TOPICS, settings)
    async with publishing(settings) as publisher:
        await publisher.put(STATE, state("acct-1"), key="acct-1")
    async with running_page(settings) as client:
        await kafka.kill()
        try:
            await eventually(lambda: shows(client, "Kafka does not answer</b> since 20", "<b>1</b> <span>active"))
            assert (await client.get("/ready")).status_code == 503
        finally:
            await kafka.start()
        await eventually(lambda: shows(client, "Up to date"))
        said = [message for message in map(message_of, caplog.records) if message.values.get("component") == "topics"]
        assert [message.line for message in said if message.line in (WAITING, GOES_ON)] == [WAITING, GOES_ON]
        async with publishing(settings) as publisher:
            await publisher.put(STATE, state("acct-2"), key="acct-2")
        await eventually(lambda: shows(client, "<b>2</b> <span>active"))
