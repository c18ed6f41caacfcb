"""Errors, named for what the caller must do."""


class Transient(Exception):
    """Something that Tenure needs is away; wait and try the very same again."""


class Displaced(Exception):
    """Another copy has moved this partition's position; roll back, seek to what is stored, read again."""


class Alarm(Exception):
    """What is stored and what is on the broker contradict each other; stop, a person must look.

    The message says what was found, and what to do about it.
    """
