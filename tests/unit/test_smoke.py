"""When `make smoke` fails: one number against another."""

from benchmarks import smoke
from benchmarks.resource_usage import ResourceUsage
from benchmarks.runs import RunResult

REFERENCE = {"share": 0.2, "at": "2026-11-26T22:00:00+00:00", "command": "make smoke"}


def test_a_share_that_fell_by_a_quarter_passes() -> None:
    assert smoke.fallen({"share": 0.15}, REFERENCE) == []


def test_a_share_that_fell_by_more_than_a_quarter_fails_and_says_what_to_do() -> None:
    [failure] = smoke.fallen({"share": 0.149}, REFERENCE)
    assert "0.149" in failure
    assert "make smoke" in failure


def test_a_share_that_rose_passes() -> None:
    assert smoke.fallen({"share": 0.5}, REFERENCE) == []


def test_the_share_is_of_all_runs_together() -> None:
    found = smoke.summarize({"tenure": [run(0.3), run(0.1)], "bare": [run(0.02), run(0.04)]})
    assert found["share"] == 0.15
    assert found["cpu_us_per_event"]["tenure"] == [300.0, 100.0]


def test_the_reference_says_how_it_was_taken() -> None:
    reference = smoke.read_reference()
    assert 0 < reference["share"] < 1
    assert reference["findings"] == []
    assert {"at", "machine", "command", "events", "cpu_us_per_event"} <= reference.keys()


def run(cpu_seconds: float) -> RunResult:
    """Of 1,000 events."""
    return RunResult(events=1_000, spent=ResourceUsage(1.0, cpu_seconds), lifecycle=0, state=0, bytes_out=0)
