"""A mapping that is replaced, never changed, is at every point the dict that it stands for."""

from hypothesis import given
from hypothesis import strategies as st

from subscription_service.domain.persistent_map import PersistentMap, with_row

ROWS = st.dictionaries(st.integers(0, 9), st.integers())
CHANGES = st.lists(st.tuples(st.integers(0, 9), st.integers()), max_size=20)


@given(base=ROWS, changes=CHANGES)
def test_it_holds_what_a_dict_would_in_the_same_order(base: dict[int, int], changes: list[tuple[int, int]]) -> None:
    rows, expected = PersistentMap(base, {}), dict(base)
    for key, value in changes:
        before, expected_before = rows, dict(expected)
        rows = with_row(rows, key, value)
        expected[key] = value
        assert before == expected_before
    assert rows == expected
    assert (list(rows.items()), list(rows.values()), len(rows)) == (
        list(expected.items()),
        list(expected.values()),
        len(expected),
    )
    assert [rows.get(key) for key in range(11)] == [expected.get(key) for key in range(11)]


def test_many_changes_are_found_again_and_the_beginning_is_as_it_was() -> None:
    begun = {"first": 0}
    rows = with_row(begun, "first", 1)
    for number in range(2_000):
        rows = with_row(rows, f"row-{number}", number)
    assert rows == {"first": 1, **{f"row-{number}": number for number in range(2_000)}}
    assert begun == {"first": 0}
