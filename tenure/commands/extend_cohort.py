"""`tenure extend --cohort NAME --days N --reason R [filters]`: after an outage, extend all who were hit, each once.

The first run writes the journal, which fixes who is in the cohort and with which E; every later one goes by it. What
became of each is written there as it is decided, and stays: a later run changes only what was not decided.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import typer

from shared.contracts.scalars import ID_PATTERN
from shared.runtime.counts import counted
from tenure import cohorts
from tenure.account_list import accounts
from tenure.acts import OperatorClient
from tenure.cohorts import Cohort
from tenure.commands.acting import DONE, ActOptions, confirm, connect
from tenure.commands.failures import GOES_ON, going_on_when_repeated, writing
from tenure.terminal import Progress, complain, say, say_json, say_table, working

_SHOWN: Final = 10


class CohortOptions(NamedTuple):
    """What the command line says. `filters`: parameters of `/api/accounts`."""

    name: str
    days: int
    filters: Mapping[str, str]
    journal: Path | None

    @property
    def file(self) -> Path:
        """The journal."""
        return self.journal or Path(f"tenure-extend-{self.name}.csv")


def run(options: CohortOptions, how: ActOptions, command: str) -> int:
    """The exit code: 0 where all are extended. Raises `ValueError` for a journal of another extension, and what
    `acting` turns into a failure.
    """
    if not re.fullmatch(ID_PATTERN, options.name):
        raise typer.BadParameter(f"--cohort {options.name!r}: expected letters, digits and . _ : - only")
    client = connect(how)
    cohort = _begun(options, how, client)
    if not cohort.members:
        return _say(cohort, None, how.as_json, decided_before=0)
    if not how.as_json:
        _show(cohort, options.file)
    confirm(f"Extend {counted(len(cohort.members), 'subscription')} by {counted(cohort.days, 'day')}?", how, command)
    with writing(command, options.file, "nothing was sent"):
        cohorts.write_journal(options.file, cohort)
    progress = Progress()

    def note(known: Cohort, decided: int) -> None:
        with writing(command, options.file, GOES_ON):
            cohorts.write_journal(options.file, known)
        progress(decided)

    with going_on_when_repeated(command), working(lambda: f"{progress.done:,} of {len(cohort.members):,} decided"):
        decided = cohorts.extend(cohort, client, decided=note)
    before = sum(each.is_decided for each in cohort.members)
    return _say(decided, options.file, how.as_json, decided_before=before)


def _begun(options: CohortOptions, how: ActOptions, client: OperatorClient) -> Cohort:
    """As an earlier run has begun it, else with all that the filters choose now."""
    cohort = Cohort(name=options.name, days=options.days, performer=how.performer, members=())
    if options.file.exists():
        complain(f"{options.file} says who is in the cohort; filters are not asked again")
        return cohorts.read_journal(options.file, cohort)
    found = cohorts.members_of(accounts(options.filters, client.settings, service=client.service))
    return Cohort(name=cohort.name, days=cohort.days, performer=cohort.performer, members=found)


def _show(cohort: Cohort, file: Path) -> None:
    """A sample, for the one who is asked."""
    say_table(("account", "E"), [(each.account, each.expected) for each in cohort.members[:_SHOWN]])
    if len(cohort.members) > _SHOWN:
        say(f"and {len(cohort.members) - _SHOWN:,} more; {file} will name all")


def _say(cohort: Cohort, file: Path | None, as_json: bool, *, decided_before: int) -> int:
    """The exit code. `file`: None where there is nobody, so that no journal was begun; `decided_before`: by an earlier
    run.
    """
    outcomes = Counter(each.outcome for each in cohort.members)
    troubles = Counter(f"{each.outcome}: {each.why}" for each in cohort.members if each.outcome not in DONE)
    if as_json:
        said = {"outcomes": outcomes, "troubles": troubles, "decided_before": decided_before}
        say_json({"cohort": cohort.name, **said, "journal": file and str(file)})
    else:
        for trouble, count in troubles.most_common():
            say(f"{count:,} {trouble}")
        say(", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items()) or "nobody to extend")
        if decided_before:
            say(f"{decided_before:,} of them by an earlier run, which this one has not changed")
        if file:
            say(f"what became of each is in {file}")
    return int(bool(troubles))
