"""Counts in sentences for people."""


def counted(number: int, noun: str) -> str:
    """The number before its noun, as in `1 account` and `2,000 accounts`; `noun` is one whose plural only adds an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
