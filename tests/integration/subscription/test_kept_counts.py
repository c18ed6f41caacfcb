"""Figures that are kept with each change: no scrape counts rows, and an operator can have them counted anew."""

from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from subscription_service import metrics
from tests.integration.subscription.core import Batch, Core
from tests.integration.subscription.test_what_is_read import NOON, batch
from tests.unit.domain.scenario import bound, purchase, renewal, specification, when

OPERATIONS: Final = Path(__file__).parents[3] / "docs" / "operations.md"


def kept_counts(core: Core) -> Counter[str]:
    """What a scrape shows: `parked`, and subscriptions by state."""
    [parked] = core.reading(metrics.waiting_events)
    [subscriptions] = core.reading(metrics.subscriptions)
    shown = Counter({"parked": int(parked.samples[0].value)})
    shown.update({sample.labels["state"]: int(sample.value) for sample in subscriptions.samples})
    return +shown


@pytest.mark.rule("G4", "R40")
def test_what_waits_is_counted_as_it_comes_and_goes(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", *[bound(f"s-{each}") for each in range(3)], renewal("r-1")))
    assert kept_counts(core) == {"parked": 4}
    core.receive(batch("2026-01-15 12:01", purchase(specification=specification(mode="partial")), first=10))
    assert kept_counts(core) == {"active": 1}


@pytest.mark.rule("G4", "R40")
def test_what_is_refused_when_its_time_is_over_waits_no_more(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", renewal("r-1"), bound("s-1")))
    core.receive(Batch(when("2026-01-15 12:15"), ()))
    assert kept_counts(core) == {}


def test_what_a_copy_of_an_older_version_has_not_counted_can_be_counted_anew(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", renewal("r-1"), bound("s-1")))
    core.migrated("UPDATE waiting_count SET count = 7", "DELETE FROM subscription_count")
    assert kept_counts(core) == {"parked": 7}
    script = OPERATIONS.read_text("utf-8").partition("<!-- counts anew -->\n```sql\n")[2].partition("```")[0]
    core.migrated(*[each for each in script.split(";\n") if each.strip() and each not in ("BEGIN", "COMMIT")])
    assert kept_counts(core) == {"parked": 2}
    core.receive(Batch(NOON, batch("2026-01-15 12:00", purchase(), first=10).records))
    assert kept_counts(core)["active"] == 1
