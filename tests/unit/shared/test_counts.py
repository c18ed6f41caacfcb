"""Numbers before nouns."""

import pytest

from shared.runtime.counts import counted


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(0, "0 events"), (1, "1 event"), (2, "2 events"), (1234, "1,234 events")],
)
def test_a_noun_after_one_is_singular_and_after_any_other_number_plural(number: int, sentence: str) -> None:
    assert counted(number, "event") == sentence
