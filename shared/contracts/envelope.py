"""Reading and writing events: CloudEvents 1.0 in JSON.

`decode` reads structured and binary mode: first the attributes, then the data by the contract of its type. It raises
`Unreadable`, with a reason of the contract and the field, for what cannot be read. `encode` writes structured mode;
`with_sequence` adds `sequence`, which the log assigns last.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from types import UnionType
from typing import Any, Final, Generic, TypeVar

import msgspec
import orjson
from pydantic import TypeAdapter, ValidationError

from shared.contracts.clock import CLOCK_ADVANCED
from shared.contracts.exact_numbers import CHECKING_DOUBLES, InexactNumber, read_exactly
from shared.contracts.scalars import ID_PATTERN, read_instant
from shared.contracts.unreadable import Reason, Unreadable

D = TypeVar("D")
Headers = Sequence[tuple[str, bytes | None]]

MAX_VALUE_BYTES: Final = 1_000_000
FUTURE_TOLERANCE: Final = timedelta(minutes=5)
RECEIPT_HEADER: Final = "tenure-receipt"
"""Kafka header of an event in whose sender wants to know what becomes of it; its value is an id of the sender's."""
RECEIPT_UNLESS_HEADER: Final = "tenure-receipt-unless"
"""Kafka header beside it: the outcome of which the sender wants no receipt, since that is what they expect."""
STRUCTURED: Final = "application/cloudevents+json"
SOURCE_PATTERN: Final = r"^[!-~]{1,512}$"
TRACEPARENT_PATTERN: Final = r"^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$"
"""W3C Trace Context: version ff and ids of zeros alone are invalid."""
_NO_FIELDS: Final[Mapping[str, Any]] = {}
_TEXTS: Final = ("id", "source", "type", "time", "subject")
_is_id: Final = re.compile(ID_PATTERN).fullmatch
_is_source: Final = re.compile(SOURCE_PATTERN).fullmatch
_is_traceparent: Final = re.compile(TRACEPARENT_PATTERN).fullmatch


class Event(msgspec.Struct, Generic[D], frozen=True):
    """One event that was read; `time` in UTC, `fields` all attributes as received, with `data` as parsed JSON, or none.

    A struct, since one is made for each record: a named tuple takes five times as long, a frozen dataclass ten times.
    """

    id: str
    source: str
    type: str
    time: datetime
    subject: str
    data: D
    traceparent: str | None
    fields: Mapping[str, Any]


_adapter: Final[Callable[[Any], TypeAdapter[Any]]] = cache(TypeAdapter)


def adapter(contract: type[D]) -> TypeAdapter[D]:
    """The validator and serializer of a contract, built once for each."""
    return _adapter(contract)


validator: Final[Callable[[Any], Callable[..., Any]]] = cache(
    lambda contract: _adapter(contract).validator.validate_python
)
"""What `adapter(contract).validate_python` does, in half the time: the function of pydantic's core itself."""
_writer: Final = msgspec.json.Encoder()
_sorting_writer: Final = msgspec.json.Encoder(order="deterministic")


def to_json(value: object) -> bytes:
    """A contract's value as JSON: the same bytes that pydantic writes, in a third of the time."""
    return _writer.encode(value)


def json_reader(contract: type[D] | UnionType) -> Callable[[str | bytes], D]:
    """A function that reads what `to_json` wrote of a contract, or of one of several; each caller keeps its own.

    Only types are checked, so it is not for input. It raises `msgspec.ValidationError`.
    """
    return msgspec.json.Decoder(contract).decode


def decode(
    value: bytes | None, headers: Headers, accepts: Mapping[str, type[D]], *, keep_fields: bool = True
) -> Event[D]:
    """Read one record by the contracts that its topic accepts (type -> contract).

    Without `keep_fields` the event takes half the memory, of which thousands wait at once. Raises `Unreadable`.
    """
    known = {name.lower(): content for name, content in headers} if headers else {}
    fields = _fields(value, known)
    if fields.get("type") == CLOCK_ADVANCED:
        fields.setdefault("subject", "clock")  # an advance concerns no account
    time = _check_cloudevent(fields)
    contract = accepts.get(fields["type"])
    if contract is None:
        raise Unreadable(Reason.UNKNOWN_TYPE, f"type: {fields['type'][:200]!r} is not read from this topic")
    _check_identity(fields)
    return Event(
        id=fields["id"],
        source=fields["source"],
        type=fields["type"],
        time=time,
        subject=fields["subject"],
        data=_data(fields["data"], contract, lambda: _exact_data(value or b"", known)),
        traceparent=_traceparent(fields, known),
        fields=fields if keep_fields else _NO_FIELDS,
    )


def check_subject(event: Event[Any]) -> None:
    """`subject` must be `data.account_id`. Raises `Unreadable`."""
    if event.subject != event.data.account_id:
        raise Unreadable(Reason.SUBJECT_MISMATCH, f"subject: expected {event.data.account_id!r} as in data.account_id")


def check_not_in_future(event: Event[Any], now: datetime) -> None:
    """`time` must lie at most five minutes ahead of `now`, the service clock. Raises `Unreadable`."""
    if event.time > now + FUTURE_TOLERANCE:
        raise Unreadable(Reason.TIME_IN_FUTURE, f"time: {event.time.isoformat()} is ahead of {now.isoformat()}")


def fingerprint(event: Event[Any]) -> bytes:
    """16 bytes, equal for equal content: type and validated data (R39)."""
    return blake2b(_sorting_writer.encode((event.type, event.data)), digest_size=16).digest()


def encode(fields: Mapping[str, Any], data: bytes) -> bytes:
    """A structured CloudEvent without `sequence`; `data` is its JSON."""
    head = orjson.dumps({"specversion": "1.0", "datacontenttype": "application/json", **fields})
    return head[:-1] + b',"data":' + data + b"}"


def with_sequence(value: bytes, sequence: int) -> bytes:
    """Adds `sequence` to an encoded event."""
    return value[:-1] + b',"sequence":%d}' % sequence


@lru_cache(maxsize=4096)
def wire_time(instant: datetime) -> str:
    """RFC 3339 in UTC, with a fraction only where there is one."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def readable_id(value: bytes | None, headers: Headers) -> str | None:
    """The event's id in a record that may be no event at all; None where there is none that fits the contract."""
    found = _readable_fields(value, headers).get("id")
    return found if isinstance(found, str) and _is_id(found) else None


def readable_traceparent(value: bytes | None, headers: Headers) -> str | None:
    """The same for its W3C trace context."""
    known = {name.lower(): content for name, content in headers}
    return _traceparent(_readable_fields(value, headers), known)


def _readable_fields(value: bytes | None, headers: Headers) -> Mapping[str, Any]:
    try:
        return _fields(value, {name.lower(): content for name, content in headers})
    except Unreadable:
        return {}


def _fields(value: bytes | None, headers: Mapping[str, bytes | None]) -> dict[str, Any]:
    if value is None:
        raise Unreadable(Reason.NOT_JSON, "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise Unreadable(Reason.TOO_LARGE, f"{len(value)} bytes, at most {MAX_VALUE_BYTES} are read")
    attributes = _binary_attributes(headers) if headers else None
    document = _json(value)
    fields = document if attributes is None else {**attributes, "data": document}
    if not isinstance(fields, dict):
        raise Unreadable(Reason.NOT_CLOUDEVENTS, "expected a JSON object")
    if b"\\u0000" in value:
        _refuse_nul(fields)
    return fields


def _binary_attributes(headers: Mapping[str, bytes | None]) -> dict[str, str] | None:
    """The `ce_` headers; None in structured mode: by `content-type`, or without any such header."""
    if (headers.get("content-type") or b"").lower().startswith(b"application/cloudevents"):
        return None
    return {name[3:]: _text(name, value) for name, value in headers.items() if name.startswith("ce_")} or None


def _text(name: str, value: bytes | None) -> str:
    try:
        text = (value or b"").decode()
    except UnicodeDecodeError:
        raise Unreadable(Reason.NOT_CLOUDEVENTS, f"header {name[:100]}: expected UTF-8") from None
    if "\0" in text:
        raise Unreadable(Reason.INVALID_DATA, f"header {name[:100]}: expected text without NUL")
    return text


def _check_cloudevent(fields: Mapping[str, Any]) -> datetime:
    """Checks the required attributes; returns `time`. Raises `Unreadable`."""
    for name in _TEXTS:
        text = fields.get(name)
        if not text or not isinstance(text, str):
            raise Unreadable(Reason.NOT_CLOUDEVENTS, f"{name}: required, a string that is not empty")
    if fields.get("specversion") != "1.0":
        raise Unreadable(Reason.NOT_CLOUDEVENTS, "specversion: required, '1.0'")
    if "data" not in fields:
        raise Unreadable(Reason.NOT_CLOUDEVENTS, "data: required")
    try:
        return read_instant(fields["time"])
    except ValueError as error:
        raise Unreadable(Reason.NOT_CLOUDEVENTS, f"time: {error}") from None


def _check_identity(fields: Mapping[str, Any]) -> None:
    for name in ("id", "subject"):
        if not _is_id(fields[name]):
            raise Unreadable(Reason.INVALID_DATA, f"{name}: expected 1-128 characters of A-Z a-z 0-9 . _ : -")
    if not _is_source(fields["source"]):
        raise Unreadable(Reason.INVALID_DATA, "source: expected a URI reference of at most 512 characters")


def _data(value: Any, contract: type[D], exact: Callable[[], Any]) -> D:
    """`value` by its contract; `exact` reads it again, where numbers may have lost digits."""
    if not isinstance(value, dict):
        raise Unreadable(Reason.INVALID_DATA, "data: expected a JSON object")
    try:
        return _valid(value, contract, exact)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(("data", *map(str, problem["loc"])))
        raise Unreadable(Reason.INVALID_DATA, f"{path}: {problem['msg']}") from None


def _valid(value: Any, contract: type[D], exact: Callable[[], Any]) -> D:
    validate = validator(contract)
    try:
        valid: D = validate(value, context=CHECKING_DOUBLES)
    except InexactNumber:
        valid = validate(exact())
    return valid


def _exact_data(value: bytes, headers: Mapping[str, bytes | None]) -> Any:
    try:
        document = read_exactly(value)
    except RecursionError:
        raise Unreadable(Reason.INVALID_DATA, "expected JSON that is not nested as deeply") from None
    return document["data"] if _binary_attributes(headers) is None else document


def _json(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _why_not_json(value, str(error)) from None


def _why_not_json(value: bytes, detail: str) -> Unreadable:
    """`invalid_data` where it is JSON, but with a lone surrogate or a number beyond a double; else `not_json`."""
    try:
        text = value.decode("utf-8", "surrogatepass")
        json.loads(text, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return Unreadable(Reason.NOT_JSON, detail)
    return Unreadable(Reason.INVALID_DATA, detail)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _refuse_nul(value: Any) -> None:
    """Checks every text, names of fields too; without recursion, since JSON may be nested deeply."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) and "\0" in item:
            raise Unreadable(Reason.INVALID_DATA, "expected text without NUL")
        if isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item


def _traceparent(fields: Mapping[str, Any], headers: Mapping[str, bytes | None]) -> str | None:
    """W3C trace context, from the attribute or else the Kafka header; None where it is malformed."""
    found = fields.get("traceparent")
    if found is None and (header := headers.get("traceparent")):
        found = header.decode("ascii", "replace")
    return found if isinstance(found, str) and _is_traceparent(found) else None
