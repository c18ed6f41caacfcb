"""Lifecycle events of an account whose person was forgotten: as they were, but without the contact (R48). Pure."""

from typing import Final

import orjson

STATES_CONTACT: Final = b'"contact":{'
"""What the JSON of an event holds that states a contact; no text in it can, since a quote inside a text is escaped."""


def without_contact(event: bytes) -> bytes:
    """The JSON of a lifecycle event, its `contact` null; the same bytes where it states none."""
    if STATES_CONTACT not in event:
        return event
    fields = orjson.loads(event)
    return orjson.dumps({**fields, "data": {**fields["data"], "contact": None}})
