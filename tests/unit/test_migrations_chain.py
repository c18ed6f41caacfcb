"""The migrations of each service are one chain, numbered without a gap."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REVISION = re.compile(r'^revision = "(\d{4})"$', re.MULTILINE)
AFTER = re.compile(r'^down_revision = (?:"(\d{4})"|None)$', re.MULTILINE)


@pytest.mark.parametrize("service", ["subscription_service", "notifier_service"])
def test_each_migration_follows_on_the_one_before(service: str) -> None:
    files = sorted((ROOT / service / "migrations" / "versions").glob("[0-9]*.py"))
    numbers = [f"{number:04}" for number in range(1, len(files) + 1)]
    texts = [file.read_text("utf-8") for file in files]
    assert [file.name[:4] for file in files] == numbers
    assert [REVISION.findall(text) for text in texts] == [[number] for number in numbers]
    assert [AFTER.findall(text) for text in texts] == [[before] for before in ["", *numbers[:-1]]]
