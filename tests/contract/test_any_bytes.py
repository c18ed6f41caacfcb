"""Whatever bytes arrive: a record is read, or refused with a reason. Nothing else ever comes out of `decode`."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import adapter, check_subject, fingerprint
from shared.contracts.unreadable import Reason, Unreadable
from tests.contract.wire import ACCEPTS, MISSING, SERVER, envelope, read
from tests.kit.examples import examples

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["acct-1", "1.00", "2026-02-30", "2026-03-01T10:00:00Z", "full", "ultimate", "\0"])
)
FIELDS = sorted({field for contract in ACCEPTS.values() for field in contract.__dataclass_fields__})
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(FIELDS), inner, max_size=6
        )
    ),
    max_leaves=20,
)
NAMES = st.sampled_from(["content-type", "traceparent", "ce_id", "CE_time", "ce_specversion", "ce_subject", "ce_"])
HEADERS = st.lists(st.tuples(NAMES | st.text(max_size=8), st.none() | st.binary(max_size=60)), max_size=6)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["specversion", "id", "source", "type", "time", "subject", "traceparent", "data"]),
    st.just(MISSING) | ANY_JSON,
    max_size=3,
)


def refusal_of(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> Unreadable | None:
    """Reads to the very end: what was read can be compared, and written."""
    try:
        event = read(value, headers)
        check_subject(event)
    except Unreadable as refused:
        return refused
    assert len(fingerprint(event)) == 16
    assert orjson.loads(adapter(type(event.data)).dump_json(event.data))
    return None


def read_or_refused(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    refused = refusal_of(value, headers)
    if refused:
        assert refused.reason in Reason
        assert refused.detail.encode()


@given(value=st.none() | st.binary(max_size=200), headers=HEADERS)
def test_any_bytes_are_read_or_refused(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    read_or_refused(value, headers)


@given(value=ANY_JSON, headers=HEADERS)
def test_any_json_is_read_or_refused(value: Any, headers: list[tuple[str, bytes | None]]) -> None:
    read_or_refused(orjson.dumps(value), headers)


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(type_=st.sampled_from(sorted(ACCEPTS)), data=st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=8))
def test_any_data_of_a_known_type_is_read_or_refused(type_: str, data: dict[str, Any]) -> None:
    read_or_refused(orjson.dumps(envelope({"account_id": "acct-1", **data}, type=type_)), [])


@given(attributes=ATTRIBUTES, headers=HEADERS)
def test_any_attributes_around_good_data_are_read_or_refused(
    attributes: dict[str, Any], headers: list[tuple[str, bytes | None]]
) -> None:
    fields = {**envelope(SERVER), **attributes}
    read_or_refused(orjson.dumps({name: value for name, value in fields.items() if value is not MISSING}), headers)
