"""Where commands find the running Tenure: the notifier's address, from the environment or a ready file."""

import json
from pathlib import Path

import pytest

from tenure.connection_options import READY_FILE, ConnectionOptions, settings_for

SECRET = "TENURE_AUTH_SECRET"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(SECRET, "a-secret-that-is-long-enough-for-HS256")


def ready_file(path: Path, notifier_url: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"notifier_url": notifier_url, "auth_secret": "another-secret-that-is-long-enough"}))
    return path


def asked_at(options: ConnectionOptions | None = None) -> str | None:
    settings = settings_for(options or ConnectionOptions(), SECRET)
    return settings.notifier_url or settings.public_url


def test_the_notifier_is_asked_at_its_own_address_where_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_PUBLIC_URL", "https://tenure.example")
    monkeypatch.setenv("TENURE_NOTIFIER_URL", "http://notifier:8080")
    assert asked_at() == "http://notifier:8080"


def test_else_at_its_public_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_PUBLIC_URL", "https://tenure.example")
    assert asked_at() == "https://tenure.example"


def test_either_address_in_the_environment_counts_more_than_the_usual_ready_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready_file(READY_FILE, "http://127.0.0.1:1")
    assert asked_at() == "http://127.0.0.1:1"
    monkeypatch.setenv("TENURE_PUBLIC_URL", "https://tenure.example")
    assert asked_at() == "https://tenure.example"
    monkeypatch.setenv("TENURE_NOTIFIER_URL", "http://notifier:8080")
    assert asked_at() == "http://notifier:8080"


def test_a_ready_file_that_was_named_counts_more_than_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TENURE_PUBLIC_URL", "https://tenure.example")
    monkeypatch.setenv("TENURE_NOTIFIER_URL", "http://notifier:8080")
    named = ready_file(tmp_path / "named.json", "http://127.0.0.1:2")
    assert asked_at(ConnectionOptions(ready_file=named)) == "http://127.0.0.1:2"
