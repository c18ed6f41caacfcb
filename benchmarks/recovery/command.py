"""`python -m benchmarks recovery`: let each kind of death happen several times, and print how long recovery took.

A target that was missed is shown, and is no failure.
"""

import argparse
import asyncio
import logging
import shlex
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from benchmarks.page import write_json, write_page
from benchmarks.recovery.deaths import DEATHS, Death
from benchmarks.recovery.recovery_stack import running_recovery_stack
from benchmarks.recovery.results import PAGE, RESULTS, summarize, table
from benchmarks.recovery.rounds import Recovery, measure


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the broker's death is no news here
    options = _options(arguments)
    chosen = [death for death in DEATHS if options.only in death.name]
    with tempfile.TemporaryDirectory(prefix="tenure-recovery-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        measured = asyncio.run(_measure(chosen, options.rounds, Path(folder)))
    found = summarize(measured, shlex.join(["python", "-m", "benchmarks", "recovery", *arguments]))
    write_json(RESULTS, found)
    print(table(found))
    if len(chosen) == len(DEATHS) and not options.quick:
        write_page(PAGE, "make recovery", table(found))
    return 0


async def _measure(deaths: Sequence[Death], rounds: int, folder: Path) -> Mapping[str, Sequence[Recovery]]:
    """Kinds that need as many copies share a stack, and take turns in it."""
    measured: defaultdict[str, list[Recovery]] = defaultdict(list)
    for copies, those in groupby(deaths, attrgetter("copies")):
        kinds = list(those)
        (folder / str(copies)).mkdir()
        async with running_recovery_stack(folder / str(copies), copies) as stack:
            for number in range(1, rounds + 1):
                for death in kinds:
                    found = await measure(stack, death)
                    measured[death.name].append(found)
                    print(f"{number}/{rounds} {death.name}: {found}", file=sys.stderr, flush=True)
    return measured


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks recovery", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="how often each kind of death happens")
    parser.add_argument("--only", default="", metavar="TEXT", help="kinds whose name contains this text")
    parser.add_argument("--quick", action="store_true", help="one death of each kind, to see that everything works")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds = 1
    return options
