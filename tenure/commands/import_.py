"""`tenure import FILE...`: take over the subscriptions of another system, from CSV or JSON lines (R42).

Files are checked as a whole: where anything is wrong, every fault is named by line and column, and nothing is sent.
Exit code 0: everything was taken, or had been before; with `--check`: nothing is wrong. Exit code 1: anything else.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared.runtime.counts import counted
from shared.runtime.errors import Transient
from shared.runtime.garbage import collect_garbage_seldom
from shared.runtime.settings import BadSettings, Settings, load
from subscription_service.policy_files.rules import load_rules
from tenure import service_clock
from tenure.commands import options
from tenure.commands.failures import Failed, failing, going_on_when_repeated, writing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.event_files import BadEvent, matching
from tenure.http_answers import NoAnswer
from tenure.import_files import Fault
from tenure.import_plan import Plan, plan
from tenure.import_rows import SERVER_COLUMNS, SUBSCRIPTION_COLUMNS
from tenure.import_sending import Outcome, Report, send
from tenure.terminal import Progress, complain, harmless, say, say_json, working
from tenure.topics import NotSent

app = typer.Typer(add_completion=False)
_COMMAND: Final = "tenure import"
_REPORT: Final = Path("tenure-import-report.csv")
_SHOWN: Final = 20
_FIELDS: Final = SUBSCRIPTION_COLUMNS | set(SERVER_COLUMNS)

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="CSV of subscriptions or servers, JSON lines (.jsonl), or a pattern."),
]
Check = Annotated[bool, typer.Option("--check", help="Name every fault by line and column, and send nothing.")]
Map = Annotated[
    list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="The field that a column of another name has.")
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help=f"Where the report goes, as CSV; otherwise {_REPORT}."),
]


@app.command(name="import")
def import_(  # noqa: PLR0913 - one argument per option
    files: Files,
    *,
    check: Check = False,
    mapped: Map = None,
    report: ReportFile = None,
    timeout: options.Timeout = 600,
    service: options.Service = None,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> int:
    """Take over the subscriptions of another system, with their servers and balances."""
    if check and report:
        raise typer.BadParameter("--check sends nothing, so there is nothing for --report")
    report = report or _REPORT
    collect_garbage_seldom()
    with failing(_COMMAND, BadEvent, NoAnswer, NotSent, NotFound, BadSettings, Transient, OSError):
        if check:
            found = _planned(files, mapped, load(), service_clock.real())
            return _say_check(found, as_json)
        where = ConnectionOptions(kafka=kafka, ready_file=ready_file)
        settings_for(where, "TENURE_AUTH_SECRET")
        settings = settings_for(where, "TENURE_KAFKA_BOOTSTRAP_SERVERS")
        address = service or settings.subscription_url
        if address is None:
            raise NotFound("neither --service, TENURE_SUBSCRIPTION_URL nor a ready file tells the service")
        found = _planned(files, mapped, settings, service_clock.now(address))
        if found.faults:
            _say_check(found, as_json)
            raise Failed(_COMMAND, "nothing was sent")
        _say_unreachable(found)
        report.open("a").close()  # where the report cannot be written nothing is sent
        sent = _send(found, settings, address, timeout)
        with writing(_COMMAND, report, "what was decided stands, and the same command writes the report again"):
            _write(report, sent)
    return _say(sent, report, as_json)


def _planned(files: Sequence[str], mapped: Sequence[str] | None, settings: Settings, now: datetime) -> Plan:
    progress = Progress()
    with working(lambda: f"{counted(progress.done, 'subscription')} read"):
        return plan(list(matching(files)), _fields_of(mapped or ()), load_rules(settings), now, read=progress)


def _fields_of(mapped: Sequence[str]) -> Mapping[str, str]:
    """Column -> field. Raises `BadParameter`."""
    fields: dict[str, str] = {}
    for each in mapped:
        column, equals, name = each.rpartition("=")
        if not equals or name not in _FIELDS:
            raise typer.BadParameter(f"--map {each}: expected COLUMN=FIELD, with one of {', '.join(sorted(_FIELDS))}")
        fields[column] = name
    return fields


def _send(found: Plan, settings: Settings, service: str, timeout: float) -> Report:
    progress = Progress()
    told = working(lambda: f"{progress.done:,} of {counted(len(found.imports), 'subscription')} decided")
    with going_on_when_repeated(_COMMAND), told:
        return send(found.imports, settings, service=service, seconds=timeout, done=progress)


def _say_check(found: Plan, as_json: bool) -> int:
    if as_json:
        named = {"faults": _documents(found.faults), "unreachable": _documents(found.unreachable)}
        say_json({"subscriptions": len(found.imports), **named, "ignored": found.ignored})
        return int(bool(found.faults))
    for file, names in found.ignored.items():
        complain(harmless(f"{file}: not used: {', '.join(names)}"))
    _say_unreachable(found)
    for fault in found.faults:
        say(harmless(str(fault)))
    say(f"{counted(len(found.imports), 'subscription')} can be taken over, {counted(len(found.faults), 'fault')}")
    return int(bool(found.faults))


def _say_unreachable(found: Plan) -> None:
    for each in found.unreachable:
        complain(harmless(str(each)))


def _documents(faults: Sequence[Fault]) -> Sequence[Mapping[str, Any]]:
    return [{"file": each.file, "line": each.line, "column": each.column, "text": each.text} for each in faults]


def _write(file: Path, report: Report) -> None:
    with file.open("w", encoding="utf-8", errors="surrogateescape", newline="") as lines:  # names of files are bytes
        writer = csv.writer(lines)
        writer.writerow(["file", "line", "account_id", "import_id", "outcome", "why"])
        for planned, outcome, why in report.lines:
            writer.writerow([planned.file, planned.line, planned.account_id, planned.import_id, outcome, why])


def _say(report: Report, file: Path, as_json: bool) -> int:
    counts = {outcome.value: report.counts.get(outcome, 0) for outcome in Outcome}
    if as_json:
        say_json({**counts, "report": str(file)})
        return int(bool(report.troubles))
    for line in report.troubles[:_SHOWN]:
        row = line.planned
        say(harmless(f"{row.file}, line {row.line}: {row.account_id} {line.outcome}: {line.why}"))
    if len(report.troubles) > _SHOWN:
        say(f"and {len(report.troubles) - _SHOWN:,} more")
    say(", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count) or "nothing to take over")
    say(f"the report is in {file}")
    return int(bool(report.troubles))
