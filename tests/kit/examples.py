"""How many examples a property test tries; how fast the machine is fails none."""

from typing import Final

from hypothesis import HealthCheck, settings

QUICK: Final = "quick"
"""The Hypothesis profile of `make unit`: a tenth of the examples; `make test` tries all of them."""

_FULL: Final = "full"
_ALL: Final = settings().max_examples

settings.register_profile(_FULL, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(_FULL)
settings.register_profile(QUICK, max_examples=_ALL // 10)


def examples(number: int) -> int:
    """`number`, or the share of it that the chosen profile tries."""
    return max(1, number * settings().max_examples // _ALL)
