"""The pages that every service has, as the notifier serves them."""

import re
import subprocess
from collections.abc import Iterable

import pytest

from shared.runtime.version import VERSION
from tests.integration.notifier.copies import Copy, World, event
from tests.kit.events import account
from tests.kit.tokens import bearer
from tests.kit.waiting import eventually


async def test_it_is_alive_and_says_who_it_is(notifier: Copy) -> None:
    answer = await notifier.client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "alive", "service": "notifier", "version": VERSION, "test_clock": None}


async def test_it_becomes_ready_and_says_what_is_missing_until_then(notifier: Copy) -> None:
    async def ready() -> bool:
        answer = await notifier.client.get("/ready")
        assert answer.status_code == (200 if answer.json()["ready"] else 503)
        assert bool(answer.json()["troubles"]) != answer.json()["ready"]
        return bool(answer.json()["ready"])

    await eventually(ready)


@pytest.mark.rule("G4")
async def test_the_figures_are_what_prometheus_wants_and_add_up(notifier: Copy, world: World) -> None:
    who = account()
    one = event("activated", who, 1)
    await world.publish(one, one, b"{}")
    expected = (
        'tenure_notifications_total{channel="email",status="delivered"} 1.0',
        'tenure_events_total{outcome="applied",topic="subscription-lifecycle"} 1.0',
        'tenure_events_total{outcome="duplicate",topic="subscription-lifecycle"} 1.0',
        'tenure_events_total{outcome="dead_letter",topic="subscription-lifecycle"} 1.0',
        'tenure_notifications_waiting{status="queued"} 0.0',
        "tenure_test_clock 0.0",
        "tenure_delivery_seconds_count 1.0",
        "tenure_database_up 1.0",
    )
    # The three records may come in batches of their own, so the last one may be counted after the mail is out.
    text = await eventually(lambda: figures(notifier, expected))
    checked = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False)  # noqa: ASYNC221
    assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_every_route_is_in_the_openapi_document_with_its_problems(notifier: Copy) -> None:
    document = (await notifier.client.get("/openapi.json")).json()
    for path in ("/api/inbox", "/api/inbox/{message_id}/read", "/api/preferences", "/api/notifications", "/ready"):
        assert path in document["paths"]
    refused = document["paths"]["/api/inbox"]["get"]["responses"]["401"]["content"]
    assert list(refused) == ["application/problem+json"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_the_asyncapi_document_and_its_page_name_what_is_read_and_written(notifier: Copy) -> None:
    document = (await notifier.client.get("/asyncapi.json")).json()
    assert document["asyncapi"] == "3.0.0"
    assert "tenure.subscription.renewal_due.v1" in document["channels"]["subscription-lifecycle"]["messages"]
    assert (await notifier.client.get("/asyncapi", headers={"Accept": "application/json"})).json() == document
    page = (await notifier.client.get("/asyncapi")).text
    assert "tenure.notification.delivered.v1" in page
    assert not re.search(r"""(src|href)=["']https?:""", page)


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/api/nowhere", 404)])
async def test_what_is_not_there_is_a_problem_too(notifier: Copy, path: str, status: int) -> None:
    answer = await notifier.client.get(path, headers=bearer("ops", "operator"))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    wrong = await notifier.client.delete("/api/inbox")
    assert wrong.status_code == 405
    assert "GET" in wrong.headers["allow"]
    assert wrong.json()["title"] == "Method Not Allowed"


async def figures(notifier: Copy, expected: Iterable[str]) -> str:
    """All of them, once these lines are among them."""
    text = (await notifier.client.get("/metrics")).text
    return text if {labels_sorted(line)[0] for line in expected} <= set(labels_sorted(text)) else ""


def labels_sorted(text: str) -> list[str]:
    """Lines with their labels in one order."""
    ordered = re.sub(r"\{(.*)\}", lambda labels: ",".join(sorted(labels[1].split(","))), text)
    return ordered.splitlines()
