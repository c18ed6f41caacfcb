"""A mapping for values that are replaced, never changed: the servers and the configuration of an account.

Copying a dict for each changed row makes a batch of n rows cost n². Here the rows changed last stand in a small dict of
their own, and only that one is copied; once it is full both become one. So n changes cost about n operations.
"""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Final, TypeVar

_FULL: Final = 256

K = TypeVar("K")
V = TypeVar("V")


class PersistentMap(Mapping[K, V]):
    """Rows of which some were replaced since; equal to any mapping with the same items."""

    __slots__ = ("_base", "_recent")

    def __init__(self, base: Mapping[K, V], recent: dict[K, V]) -> None:
        self._base = base
        self._recent = recent

    def __getitem__(self, key: K) -> V:
        return self._recent[key] if key in self._recent else self._base[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._merged())

    def __len__(self) -> int:
        return len(self._merged()) if self._recent else len(self._base)

    def items(self) -> ItemsView[K, V]:
        return self._merged().items()

    def values(self) -> ValuesView[V]:
        return self._merged().values()

    def replaced(self, key: K, value: V) -> "PersistentMap[K, V]":
        """This mapping with one row added or replaced."""
        recent = {**self._recent, key: value}
        if len(recent) < _FULL:
            return PersistentMap(self._base, recent)
        return PersistentMap({**self._base, **recent}, {})

    def _merged(self) -> dict[K, V]:
        return {**self._base, **self._recent}


def with_row(rows: Mapping[K, V], key: K, value: V) -> PersistentMap[K, V]:
    """`rows` with one row added or replaced; `rows` itself stays as it is."""
    persistent = rows if isinstance(rows, PersistentMap) else PersistentMap(rows, {})
    return persistent.replaced(key, value)
