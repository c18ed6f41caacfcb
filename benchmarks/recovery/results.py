"""From measured deaths to JSON and to the table in docs/proof.md."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.machine import described, machine
from benchmarks.recovery.deaths import DEATHS, Death
from benchmarks.recovery.rounds import Recovery

RESULTS: Final = Path("build/recovery.json")
PAGE: Final = Path("docs/proof.md")
_MEASURES: Final = ("decided", "published", "first_mail", "last_mail")


def summarize(measured: Mapping[str, Sequence[Recovery]], command: str) -> dict[str, Any]:
    """Everything, ready for JSON; seconds."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "machine": machine(),
        "deaths": {name: _summary([asdict(one) for one in those]) for name, those in measured.items()},
    }


def table(found: Mapping[str, Any]) -> str:
    """The same for people, in Markdown."""
    rows = [_row(death, found["deaths"][death.name]) for death in DEATHS if death.name in found["deaths"]]
    rounds = max((each["rounds"] for each in found["deaths"].values()), default=0)
    load = found["machine"]["load"]
    return "\n".join(
        (
            f"{found['at'][:10]}, `{found['command']}`, {rounds} of each kind. {described(found['machine'])}",
            f"Load average of the last five minutes at the end: {load}.",
            "",
            "Seconds after the death, median and worst:",
            "",
            "| | decided again | published again | first mail | last mail | wanted |",
            "|---|---|---|---|---|---|",
            *rows,
        )
    )


def _summary(rounds: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    times = {name: [round(each[name], 3) for each in rounds] for name in _MEASURES}
    measured = {name: {"median": median(those), "worst": max(those), "all": those} for name, those in times.items()}
    return {"rounds": len(rounds), **measured}


def _row(death: Death, found: Mapping[str, Any]) -> str:
    cells = [f"{found[name]['median']:.1f} / {found[name]['worst']:.1f}" for name in _MEASURES]
    wanted = [f"decided under {death.decision_within:.0f}"] if death.decision_within else []
    wanted += [f"first mail under {death.mail_within:.0f}"] if death.mail_within else []
    return f"| {death.name} | {' | '.join(cells)} | {', '.join(wanted)} |"
