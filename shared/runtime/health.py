"""Whether this process can do its work: read by `/ready` and by the metrics, and told in the log as it changes.

Each component of a process (database, topics, consuming, lag, publishing, and those that a service names) writes its
own state here, in whichever thread it runs, so one object tells the state of all.
"""

from collections.abc import Mapping

from shared.runtime.waits import WaitLog
from shared.storage.stored_positions import Partition


class Health:
    """State of the components given by name. Each is "starting", hence not ready, until it is marked otherwise."""

    def __init__(self, *components: str) -> None:
        self._reasons: dict[str, str | None] = dict.fromkeys(components, "starting")
        self._waits = WaitLog()
        self.lag: Mapping[Partition, int] = {}
        """Records that this process has not yet applied, per partition assigned to it, as last measured."""

    def mark_ready(self, component: str) -> None:
        """`component` works."""
        self._reasons[component] = None
        self._waits.goes_on(component)

    def mark_unready(self, component: str, reason: str, *, in_log: str | None = None) -> None:
        """`component` cannot work now; `reason` is a sentence for operators, without secrets.

        `in_log`: what the log says instead, where `reason` holds words that are not ours; empty: nothing.
        """
        self._reasons[component] = reason
        told = reason if in_log is None else in_log
        if told:
            self._waits.waits(component, told)

    @property
    def ready(self) -> bool:
        """Whether every component works."""
        return not self.unready

    @property
    def unready(self) -> Mapping[str, str]:
        """Component -> reason, for each that does not work."""
        now = self._reasons.copy()  # at once: another thread may add a component
        return {component: reason for component, reason in now.items() if reason}
