"""Why a record cannot be read: what stands in the headers of its dead letter."""

from enum import StrEnum
from typing import Final

MAX_DETAIL_CHARACTERS: Final = 500


class Reason(StrEnum):
    """Why a record cannot be read: the values of the header `dead-letter-reason`."""

    NOT_JSON = "not_json"
    NOT_CLOUDEVENTS = "not_cloudevents"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_DATA = "invalid_data"
    SUBJECT_MISMATCH = "subject_mismatch"
    TIME_IN_FUTURE = "time_in_future"
    ID_CONFLICT = "id_conflict"
    TOO_LARGE = "too_large"
    INTERNAL_ERROR = "internal_error"


class Unreadable(Exception):
    """The record cannot be read and becomes a dead letter; `detail` names the field and what was expected."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail[:MAX_DETAIL_CHARACTERS]}")
        self.reason = reason
        self.detail = detail[:MAX_DETAIL_CHARACTERS]
