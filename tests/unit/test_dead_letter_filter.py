"""Which dead letters an operator means: by reason, age, topic and account; and what can be read of their events."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenure.commands.dead_letters import BadInstant, since_when
from tenure.dead_letters import NOT_HANDLED, DeadLetterFilter, StoredDeadLetter, choose
from tenure.topics import Headers
from tests.kit.cases import cases

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
EVENT = b'{"id": "e-1", "source": "/shop", "subject": "acme", "data": {"account_id": "other"}}'


def letter(name: str = "a", *, value: bytes | None = EVENT, headers: Headers = (), **fields: Any) -> StoredDeadLetter:
    given: dict[str, Any] = {"added_at": NOON, "why": {"reason": "not_json", "topic": "renewals"}, "key": b"k"} | fields
    return StoredDeadLetter(name=name, value=value, headers=headers, **given)


@cases(
    ("dead_letter", "read"),
    [
        (letter(), ["acme", "e-1", "/shop"]),
        (letter(value=b'{"data": {"account_id": "acme"}}'), ["acme", None, None]),
        (letter(value=b"{broken"), ["k", None, None]),
        (letter(value=b"[" * 100_000, key=b"\xff"), ["\\xff", None, None]),
        (letter(value=b"[7]", key=None), [None, None, None]),
        (letter(value=None, key=None), [None, None, None]),
        (letter(value=b'{"id": 7, "subject": {}}'), ["k", "7", None]),
        (
            letter(value=b"{}", headers=(("ce_id", b"e-2"), ("ce_source", b"/x"), ("ce_subject", b"acme"))),
            ["acme", "e-2", "/x"],
        ),
    ],
)
def test_account_event_id_and_source_are_read_where_they_can_be(dead_letter: StoredDeadLetter, read: list[Any]) -> None:
    assert list(dead_letter.event.values()) == read


@cases(
    ("only", "matches"),
    [
        (DeadLetterFilter(), True),
        (DeadLetterFilter(reason="not_json", since=NOON, topic="renewals", account="acme"), True),
        (DeadLetterFilter(reason="too_large"), False),
        (DeadLetterFilter(since=NOON + timedelta(microseconds=1)), False),
        (DeadLetterFilter(topic="purchases"), False),
        (DeadLetterFilter(account="other"), False),
        (DeadLetterFilter(handled=False), True),
    ],
)
def test_a_filter_matches_where_all_of_it_does(only: DeadLetterFilter, matches: bool) -> None:
    assert bool(choose([letter()], only=only)) is matches


def test_what_was_replayed_is_left_out_where_only_the_rest_is_meant() -> None:
    replayed = letter("b", handled_at=NOON)
    assert choose([letter(), replayed], only=NOT_HANDLED) == [letter()]
    assert choose([letter(), replayed]) == [letter(), replayed]


def test_since_is_an_instant_a_day_or_so_long_ago() -> None:
    assert since_when(None) is None
    assert since_when("2026-11-02") == datetime(2026, 11, 2, tzinfo=UTC)
    assert since_when("2026-11-02T13:00:00+01:00") == NOON
    for text, length in {"90s": 90, "2m": 120, "2h": 7200, "3d": 259_200}.items():
        found = since_when(text)
        assert found is not None
        assert abs((datetime.now(UTC) - found).total_seconds() - length) < 5


@cases("text", ["", "yesterday", "2h30m", "2026-13-01", "2026-11-02T09:00:00", "-2h"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(BadInstant, match="expected 2h, 3d"):
        since_when(text)
