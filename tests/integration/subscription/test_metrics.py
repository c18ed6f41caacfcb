"""The metrics of the subscription service: there from the start, right, and valid for Prometheus."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from shared.contracts.topics import LIFECYCLE, PURCHASES, RENEWALS, SERVER_INVENTORY, STATE
from shared.contracts.unreadable import Reason
from shared.runtime.version import VERSION
from shared.storage.database import Connection
from shared.storage.event_counts import EventOutcome
from subscription_service.storage import due_accounts
from tests.integration.subscription.core import Core
from tests.integration.subscription.serving import World
from tests.kit.events import account, event, purchase
from tests.kit.waiting import eventually


async def metrics(service: World) -> dict[str, float]:
    """Name with labels -> value."""
    lines = (await service.client.get("/metrics")).text.splitlines()
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}


@pytest.mark.rule("G4")
async def test_every_metric_is_there_before_the_first_event(service: World) -> None:
    found = await metrics(service)
    for topic in (PURCHASES, RENEWALS, SERVER_INVENTORY):
        for outcome in EventOutcome:
            assert found[f'tenure_events_total{{outcome="{outcome}",topic="{topic}"}}'] == 0
    assert [found[f'tenure_dead_letters_total{{reason="{reason}"}}'] for reason in Reason] == [0] * len(Reason)
    states = [found[f'tenure_subscriptions{{state="{state}"}}'] for state in ("active", "grace", "released")]
    assert states == [0, 0, 0]
    assert [found[f'tenure_relay_lag_events{{topic="{topic}"}}'] for topic in (LIFECYCLE, STATE)] == [0, 0]
    assert (found["tenure_timers_overdue"], found["tenure_timers_overdue_seconds"]) == (0, 0)
    assert found[f'tenure_build_info{{version="{VERSION}"}}'] == 1
    assert found["tenure_decision_seconds_count"] == 0


@pytest.mark.rule("G4")
async def test_what_happened_is_counted(service: World) -> None:
    who = account()
    await service.publish(purchase(who, service.now))
    await service.publish_raw(PURCHASES, b"no JSON")
    await service.publish_raw(PURCHASES, b"v" * 1_000_001)
    await service.publish(event("account.credited", service.now, account_id=who, entry_id="c-1", amount="0.00"))
    await service.settle()

    async def counted() -> dict[str, float]:
        found = await metrics(service)
        return found if found["tenure_decision_seconds_count"] >= 4 else {}

    found = await eventually(counted)
    reasons = {reason: found[f'tenure_dead_letters_total{{reason="{reason}"}}'] for reason in Reason}
    told = {reason.value: number for reason, number in reasons.items() if number}
    assert told == {"not_json": 1, "too_large": 1, "invalid_data": 1}
    assert found[f'tenure_events_total{{outcome="dead_letter",topic="{PURCHASES}"}}'] == 3
    assert found['tenure_subscriptions{state="active"}'] == 1
    assert found["tenure_decision_seconds_sum"] > 0
    last = (await service.get(who))["ends_at"]
    await service.settle(datetime.fromisoformat(last))
    found = await metrics(service)
    states = [found[f'tenure_subscriptions{{state="{state}"}}'] for state in ("active", "grace", "released")]
    assert states == [0, 1, 0]
    text = (await service.client.get("/metrics")).content
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)  # noqa: ASYNC221
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_is_overdue_is_counted_with_the_age_of_the_oldest(core: Core) -> None:
    core.begin()
    due = datetime.now(UTC) - timedelta(hours=1)

    async def overdue(connection: Connection) -> due_accounts.Overdue:
        for number in range(3):
            values = {"id": f"acct-{number}", "due": due + timedelta(minutes=number) * 40}
            statement = "INSERT INTO account (account_id, partition, next_due_at) VALUES (:id, 0, :due)"
            await connection.execute(text(statement), values)
        return await due_accounts.overdue(connection, test_clock=False)

    found = core.reading(overdue)
    assert found.accounts == 2
    assert 3600 <= found.seconds < 3660
