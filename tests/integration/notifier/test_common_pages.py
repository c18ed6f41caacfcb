"""The pages that every service has, as the notifier serves them."""

import re
import subprocess
from collections.abc import Iterable

import pytest

from shared.runtime.version import VERSION
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier
from tests.integration.notifier.samples import event
from tests.kit.events import account
from tests.kit.tokens import bearer
from tests.kit.waiting import eventually


async def test_health_names_service_and_version(notifier: RunningNotifier) -> None:
    answer = await notifier.client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "alive", "service": "notifier", "version": VERSION, "test_clock": None}


async def test_ready_lists_the_troubles_until_there_are_none(notifier: RunningNotifier) -> None:
    async def ready() -> bool:
        answer = await notifier.client.get("/ready")
        assert answer.status_code == (200 if answer.json()["ready"] else 503)
        assert bool(answer.json()["troubles"]) != answer.json()["ready"]
        return bool(answer.json()["ready"])

    await eventually(ready)


@pytest.mark.rule("G4")
async def test_the_metrics_are_valid_for_prometheus_and_add_up(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    one = event("activated", who, 1)
    await environment.publish(one, one, b"{}")
    expected = (
        'tenure_notifications_total{channel="email",status="delivered"} 1.0',
        'tenure_events_total{outcome="applied",topic="subscription-lifecycle"} 1.0',
        'tenure_events_total{outcome="duplicate",topic="subscription-lifecycle"} 1.0',
        'tenure_events_total{outcome="dead_letter",topic="subscription-lifecycle"} 1.0',
        'tenure_events_total{outcome="rejected",topic="subscription-lifecycle"} 0.0',
        'tenure_dead_letters_total{reason="not_cloudevents"} 1.0',
        'tenure_dead_letters_total{reason="internal_error"} 0.0',
        'tenure_notifications_total{channel="email",status="failed"} 0.0',
        'tenure_notifications_total{channel="inbox",status="suppressed"} 0.0',
        'tenure_relay_lag_events{topic="notification-outcomes"} 0.0',
        f'tenure_build_info{{version="{VERSION}"}} 1.0',
        "tenure_decision_seconds_count 3.0",
        'tenure_notifications_waiting{status="queued"} 0.0',
        "tenure_test_clock 0.0",
        "tenure_delivery_seconds_count 1.0",
        "tenure_database_up 1.0",
    )
    # The three records may come in batches of their own, so the last one may be counted after the mail is out.
    text = await eventually(lambda: metrics(notifier, expected))
    checked = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False)  # noqa: ASYNC221
    assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_every_route_is_in_the_openapi_document_with_its_problems(notifier: RunningNotifier) -> None:
    document = (await notifier.client.get("/openapi.json")).json()
    for path in ("/api/inbox", "/api/inbox/{message_id}/read", "/api/preferences", "/api/notifications", "/ready"):
        assert path in document["paths"]
    refused = document["paths"]["/api/inbox"]["get"]["responses"]["401"]["content"]
    assert list(refused) == ["application/problem+json"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_the_asyncapi_document_and_its_page_name_what_is_read_and_written(notifier: RunningNotifier) -> None:
    document = (await notifier.client.get("/asyncapi.json")).json()
    assert document["asyncapi"] == "3.0.0"
    assert "tenure.subscription.renewal_due.v1" in document["channels"]["subscription-lifecycle"]["messages"]
    assert (await notifier.client.get("/asyncapi", headers={"Accept": "application/json"})).json() == document
    page = (await notifier.client.get("/asyncapi")).text
    assert "tenure.notification.delivered.v1" in page
    assert not re.search(r"""(src|href)=["']https?:""", page)


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/api/nowhere", 404)])
async def test_unknown_paths_and_methods_are_problem_documents(
    notifier: RunningNotifier, path: str, status: int
) -> None:
    answer = await notifier.client.get(path, headers=bearer("ops", "operator"))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    wrong = await notifier.client.delete("/api/inbox")
    assert wrong.status_code == 405
    assert "GET" in wrong.headers["allow"]
    assert wrong.json()["title"] == "Method Not Allowed"


async def metrics(notifier: RunningNotifier, expected: Iterable[str]) -> str:
    """All of them, once these lines are among them."""
    text = (await notifier.client.get("/metrics")).text
    return text if {labels_sorted(line)[0] for line in expected} <= set(labels_sorted(text)) else ""


def labels_sorted(text: str) -> list[str]:
    """Lines with their labels in one order."""
    ordered = re.sub(r"\{(.*)\}", lambda labels: ",".join(sorted(labels[1].split(","))), text)
    return ordered.splitlines()
