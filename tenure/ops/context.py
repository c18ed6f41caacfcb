"""What the process is made of: what HTTP shows, and who keeps it up to date."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.runtime.settings import Settings
from subscription_service.domain.policy import Rules
from tenure.ops.broker import topics_read
from tenure.ops.model import Model
from tenure.ops.overview import View
from tenure.ops.reader import Reader
from tenure.ops.status import Status
from tenure.ops.stream import Live


@dataclass(slots=True)
class OpsContext:
    """`charts`: the files of the chart library, empty until it is there."""

    settings: Settings
    rules: Rules
    status: Status
    reader: Reader
    charts: Mapping[str, bytes] = field(default_factory=dict)
    live: Live = field(init=False)

    def __post_init__(self) -> None:
        self.live = Live(self.view)

    @property
    def model(self) -> Model:
        """The numbers as they are now."""
        return self.reader.model

    def now(self) -> datetime:
        """Real time, UTC."""
        return real_time()

    def view(self) -> View:
        """What the page shows now."""
        clock = self.model.test_clock or self.settings.test_clock
        return View(self.model, self.status, self.rules, self.now(), topics_read(self.settings), clock)


def real_time() -> datetime:
    """UTC. Latencies and rates are in real time, as Kafka's timestamps are, also with the test clock on."""
    return datetime.now(UTC)
