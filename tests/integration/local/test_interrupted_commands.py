"""What a command says of Ctrl-C while it waits for a broker."""

import json
from pathlib import Path

import pytest

from tests.kit.interrupting import INTERRUPTED, interrupted_at_a_silent_broker

EVENT = {"type": "tenure.renewal.declined.v1", "data": {"account_id": "acct-1"}}


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"id": "d-1"}, "the same command goes on where this one stopped"),
        ({}, "what the broker has by now stays there, and the same command would send it once more"),
    ],
)
def test_a_publication_tells_whether_it_may_be_repeated(tmp_path: Path, own: dict[str, str], said: str) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(EVENT | own))
    told = interrupted_at_a_silent_broker(["publish", str(file)])
    assert told == (INTERRUPTED, f"tenure publish: interrupted; {said}")
