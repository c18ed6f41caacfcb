"""Errors, named for what the caller must do."""


class Transient(Exception):
    """Something that Tenure needs is away: wait, then try the same again."""


class SlowStatement(Transient):
    """A statement took longer than it may, on a database that answers: try the same in smaller pieces.

    Who has no smaller pieces waits, as for any `Transient`.
    """


class PositionConflict(Exception):
    """A stored position is not where this copy believes it to be, because another copy has moved it.

    Roll back, seek to the stored positions, read again.
    """


class Alarm(Exception):
    """Database and broker contradict each other: stop, because a person must look.

    The message says what was found, and what to do about it.
    """
