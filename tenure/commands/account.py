"""`tenure account ACCOUNT`: all that is known of an account, and what comes next.

`--export`: all that is held about the person behind it, as JSON.

Exit code 0 when everything could be shown; 1 when a service or the broker was away (the rest is shown, and a sentence
says what is missing), or when nothing is known of the account.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from shared.runtime.settings import BadSettings
from tenure.account_export import AccountExport, export
from tenure.account_report import AccountReport, report_on
from tenure.commands import options
from tenure.commands.dead_letters import document, summary
from tenure.commands.failures import Failed, failing
from tenure.commands.why import say_decisions
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.terminal import complain, harmless, say, say_json, say_table, working

app = typer.Typer(add_completion=False)
_INCOMPLETE: Final = 1
_STATE: Final = ("state", "edition", "expires_on", "ends_at", "retained_until", "declined", "balance", "currency")
_FORETOLD: Final = ("order_id", "expires_on", "charged", "balance_after", "fee", "shortfall", "attempt", "days_left")
Export = Annotated[
    bool, typer.Option("--export", help="Everything that is held about the person, with texts, as JSON.")
]
Notifier = Annotated[str | None, typer.Option(metavar="URL", help="The notifier; otherwise TENURE_NOTIFIER_URL.")]


@app.command()
def account(  # noqa: PLR0913 - one argument per option
    account: options.Account,
    *,
    service: options.Service = None,
    notifier: Notifier = None,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
    everything: Export = False,
) -> int:
    """Show an account: state, who else is told, orders, what waits, dead letters, notifications, what comes next."""
    with failing("tenure account", NotFound, BadSettings):
        settings = settings_for(ConnectionOptions(kafka=kafka, ready_file=ready_file), "TENURE_AUTH_SECRET")
    given = {"subscription_url": service, "notifier_url": notifier}
    settings = settings.model_copy(update={name: url for name, url in given.items() if url})
    with working(lambda: f"asking about {account}"):
        report = export(account, settings) if everything else report_on(account, settings)
    if report.is_empty and not report.missing:
        raise Failed("tenure account", "nothing is known of this account")
    if isinstance(report, AccountExport):
        say_json(asdict(report) | {"dead_letters": [document(each) for each in report.dead_letters]})
        _complain(report.missing)
    elif as_json:
        say_json(_document(report))
    else:
        _say(report)
    return _INCOMPLETE if report.missing else 0


def _document(report: AccountReport) -> Mapping[str, Any]:
    return {**asdict(report), "dead_letters": [summary(each) for each in report.dead_letters]}


def _say(report: AccountReport) -> None:
    for name, show in _PARTS.items():
        rows = getattr(report, name)
        say((_HEADINGS.get(name, name), "bold"))
        if name in report.missing:
            say(f"  not known: {harmless(report.missing[name])}")
        elif not rows:
            say("  none")
        else:
            show(report)
        say("")
    _complain(report.missing)


def _complain(missing: Mapping[str, str]) -> None:
    for sentence in dict.fromkeys(missing.values()):
        complain(f"tenure account: {harmless(sentence)}")


def _say_state(report: AccountReport) -> None:
    shown = report.state or {}
    renewal, quota, registered = shown["auto_renewal"], shown["purchased_quota"], shown["registered"]
    switch = f"on, next attempt {_text(renewal['next_attempt_at'])}" if renewal["enabled"] else "off"
    lines = {name.replace("_", " "): _text(shown[name]) for name in _STATE}
    lines["automatic renewal"] = f"{switch}{', failing' if renewal['failing'] else ''}"
    lines |= {unit: f"{registered[unit]} registered, quota {_text(quota[unit])}" for unit in ("servers", "cores")}
    for name, text in (lines | {"as of": shown["as_of"]}).items():
        say(f"  {name:<18} {harmless(text)}")


def _say_recipients(report: AccountReport) -> None:
    names = ("recipient_id", "name", "email", "locale", "time_zone")
    kinds = [", ".join(each["kinds"]) if each["kinds"] is not None else "all" for each in report.recipients]
    rows = [[*row, told] for row, told in zip(_rows(report.recipients, names), kinds, strict=True)]
    say_table(["recipient", "name", "email", "language", "time zone", "kinds"], rows)


def _say_orders(report: AccountReport) -> None:
    names = ("order_id", "type", "placed_at", "starts_at", "ends_at", "fee", "status")
    say_table([name.removesuffix("_at").removesuffix("_id") for name in names], _rows(report.orders, names))


def _say_refusals(report: AccountReport) -> None:
    names = ("time", "order_id", "order_type", "code", "message")
    say_table(["time", "order", "type", "code", "why"], _rows(report.refusals, names))


def _say_waiting(report: AccountReport) -> None:
    names = ("type", "id", "source", "time", "until")
    say_table(names, _rows(report.waiting, names))


def _say_dead_letters(report: AccountReport) -> None:
    letters = [summary(each) for each in report.dead_letters]
    names = ("name", "added_at", "reason", "detail", "event_id", "handled_at")
    say_table(["name", "added", "reason", "detail", "event id", "replayed"], _rows(letters, names))


def _say_timeline(report: AccountReport) -> None:
    rows = [
        [entry["at"], entry["kind"], ", ".join(f"{name} {entry[name]}" for name in _FORETOLD if name in entry)]
        for entry in report.timeline
    ]
    say_table(["at", "what", "with"], rows)


def _rows(entries: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[str]]:
    return [[_text(entry.get(name)) for name in names] for entry in entries]


def _text(value: object) -> str:
    return "-" if value is None else str(value)


_PARTS: Final[Mapping[str, Callable[[AccountReport], None]]] = {
    "state": _say_state,
    "recipients": _say_recipients,
    "orders": _say_orders,
    "refusals": _say_refusals,
    "waiting": _say_waiting,
    "dead_letters": _say_dead_letters,
    "notifications": lambda report: say_decisions(report.notifications),
    "timeline": _say_timeline,
}
_HEADINGS: Final = {
    "recipients": "further recipients",
    "dead_letters": "dead letters",
    "timeline": "what comes next, if nothing changes",
}
