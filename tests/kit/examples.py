"""How many examples a property test tries."""

from typing import Final

from hypothesis import settings

QUICK: Final = "quick"
"""The Hypothesis profile of `make unit`: a fifth of the examples; `make test` tries all of them."""

_ALL: Final = settings().max_examples

settings.register_profile(QUICK, max_examples=_ALL // 5)


def examples(number: int) -> int:
    """`number`, or the share of it that the chosen profile tries."""
    return max(1, number * settings().max_examples // _ALL)
