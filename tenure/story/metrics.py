"""What a service's `/metrics` says about the events that it has read (G4)."""

from collections import Counter
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from shared.contracts.topics import TEST_CLOCK

_INTAKE_LAG: Final = "tenure_intake_lag_records"


def event_outcomes(metrics: str) -> Counter[tuple[str, str]]:
    """(topic, outcome) -> number of events; what waits now is the outcome `parked` of no topic. Without the clock's."""
    counts: Counter[tuple[str, str]] = Counter()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == "tenure_events_total" and sample.labels["topic"] != TEST_CLOCK:
                counts[sample.labels["topic"], sample.labels["outcome"]] += int(sample.value)
            if sample.name == "tenure_parked":
                counts["", "parked"] += int(sample.value)
    return counts


def by_outcome(metrics: str) -> Counter[str]:
    """Outcome -> number of events of all topics."""
    sums: Counter[str] = Counter()
    for (_, outcome), count in event_outcomes(metrics).items():
        sums[outcome] += count
    return sums


def assigned(metrics: str) -> set[tuple[str, int]]:
    """(topic, partition) of all partitions that this copy reads."""
    samples = [each for family in text_string_to_metric_families(metrics) for each in family.samples]
    lags = [each.labels for each in samples if each.name == _INTAKE_LAG]
    return {(labels["topic"], int(labels["partition"])) for labels in lags}
