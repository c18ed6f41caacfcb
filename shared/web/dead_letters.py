"""Dead letters of an account as a service has stored them, for operators: a part of its page about a person."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel

from shared.contracts.fields import described
from shared.outbox.dead_letters import DeadLetterEntry

MAX_DEAD_LETTERS: Final = 100
DESCRIPTION: Final = "Its dead letters as they are stored, the newest of each partition first, at most 100."


class DeadLetterHeader(BaseModel):
    """One header, received or added."""

    name: Annotated[str, described("Its name.", "dead-letter-reason")]
    value: Annotated[str | None, described("Its value as text.", "invalid_data")]


class DeadLetterDocument(BaseModel):
    """One dead letter; bytes that are no UTF-8 are escaped."""

    partition: Annotated[int, described("Its partition of the topic of dead letters.", 0)]
    sequence: Annotated[int, described("Its number in the partition.", 17)]
    key: Annotated[str | None, described("The key as it was received.", "acct-1001")]
    value: Annotated[str | None, described("The value as it was received; null once it was emptied (R48).", "{}")]
    headers: Annotated[Sequence[DeadLetterHeader], described("The received headers, then why it is a dead letter.")]


def documents(letters: Sequence[DeadLetterEntry]) -> Sequence[DeadLetterDocument]:
    """As they are shown."""
    return [
        DeadLetterDocument(
            partition=letter.partition,
            sequence=letter.sequence,
            key=_text(letter.key),
            value=_text(letter.value),
            headers=[DeadLetterHeader(name=name, value=_text(value)) for name, value in letter.headers],
        )
        for letter in letters
    ]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace")
