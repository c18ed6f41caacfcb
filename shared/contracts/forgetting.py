"""Lifecycle events of an account whose person was forgotten: as they were, but without contact and recipients (R48).
Pure.
"""

from typing import Final

import orjson

STATES_CONTACT: Final = b'"contact":{'
"""What the JSON of an event holds that states a contact; no text in it can, since a quote inside a text is escaped."""
STATES_RECIPIENTS: Final = b'"recipients":[{'
"""The same of one that states further recipients (R52)."""
_FORGOTTEN: Final = {"contact": STATES_CONTACT, "recipients": STATES_RECIPIENTS}


def without_person(event: bytes) -> bytes:
    """The JSON of a lifecycle event, its `contact` or `recipients` null; the same bytes where it states none."""
    stated = {name: None for name, beginning in _FORGOTTEN.items() if beginning in event}
    if not stated:
        return event
    fields = orjson.loads(event)
    return orjson.dumps({**fields, "data": {**fields["data"], **stated}})
