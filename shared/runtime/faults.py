"""An error as the log shows it: its types and the places in the code where it arose, never its message. Pure.

A message may hold what a customer wrote, or a secret: PostgreSQL's DETAIL shows the row, validation shows its input.
"""

from collections.abc import Iterator
from traceback import extract_tb


def types_of(error: BaseException) -> str:
    """The class of the error, and of those that led to it: `Transient < ConnectionResetError`."""
    return " < ".join(dict.fromkeys(type(each).__name__ for each in _chain(error)))


def places_of(error: BaseException) -> str:
    """A line for each call from the outermost to the one that raised, the error that came first at the top."""
    return "\n".join(line for each in reversed(list(_chain(error))) for line in _places(each))


def _places(error: BaseException) -> Iterator[str]:
    yield f"{type(error).__name__}, raised in"
    for call in extract_tb(error.__traceback__):
        yield f"  {call.filename}:{call.lineno} {call.name}"
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _places(each)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what led to it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
