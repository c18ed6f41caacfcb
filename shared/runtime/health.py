"""What is well and what is not: the one place that `/ready` and the metrics read."""

from collections.abc import Mapping

from shared.storage.offsets import Partition


class Health:
    """Each part of a service says here why it cannot work just now, or that it can again."""

    def __init__(self, *components: str) -> None:
        self._troubles: dict[str, str | None] = dict.fromkeys(components, "starting")
        self.lag: Mapping[Partition, int] = {}
        """Records ahead of this copy, by topic and partition, as last seen."""

    def well(self, part: str) -> None:
        self._troubles[part] = None

    def trouble(self, part: str, reason: str) -> None:
        self._troubles[part] = reason

    @property
    def ready(self) -> bool:
        return not any(self._troubles.values())

    @property
    def troubles(self) -> Mapping[str, str]:
        """Part -> why it is not ready."""
        return {part: reason for part, reason in self._troubles.items() if reason}
