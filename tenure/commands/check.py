"""`tenure check`: what policy, catalog, brand and words say, and what the next start would make of them.

Exit code 0: the service would start; 1: it would stop for a change that was not accepted; 2: a file is wrong, or the
database that was named cannot be reached.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import typer

from notifier_service.content_files import load_content
from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings, Settings, load
from subscription_service.domain import policy as domain
from subscription_service.domain.policy import PriceList
from subscription_service.policy_files.comparison import Change
from tenure.checking import CheckedRules, ComparedWithData, check_files, compare_with_data
from tenure.commands import options
from tenure.commands.failures import failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.mails_in_words import MailsInWords
from tenure.rules_in_words import Line, catalog_in_words, policy_in_words, prices_in_words
from tenure.terminal import harmless, say, say_json

REFUSED: Final = 1
NOT_CHECKED: Final = 2

Policy = Annotated[Path | None, typer.Option(metavar="F", help="The policy file; otherwise TENURE_POLICY_FILE.")]
Catalog = Annotated[Path | None, typer.Option(metavar="F", help="The catalog file; otherwise TENURE_CATALOG_FILE.")]

app = typer.Typer(add_completion=False)


@app.command()
def check(
    policy: Policy = None,
    catalog: Catalog = None,
    database: options.Database = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> int:
    """Say what policy, catalog, brand and words hold, and what differs from the defaults and from the data."""
    with failing("tenure check", NotFound, BadSettings, Transient, OSError, exit_code=NOT_CHECKED):
        settings, has_database = _settings(ConnectionOptions(database=database, ready_file=ready_file))
        files = {"policy_file": policy or settings.policy_file, "catalog_file": catalog or settings.catalog_file}
        settings = settings.model_copy(update=files)
        checked = check_files(settings)
        mails = MailsInWords.of(load_content(settings), settings)
        compared = asyncio.run(compare_with_data(settings, checked)) if has_database else None
    if as_json:
        say_json({**_document(checked, compared), "brand": dict(mails.brand), "words": dict(mails.words)})
    else:
        _say(checked, compared, mails)
    return REFUSED if compared and compared.refused else 0


def _settings(where: ConnectionOptions) -> tuple[Settings, bool]:
    """The settings, and whether they name a database; one that an option names must be there."""
    try:
        return settings_for(where, "TENURE_DATABASE_URL"), True
    except NotFound:
        if where.database or where.ready_file:
            raise
        return load(), False


def _say(checked: CheckedRules, compared: ComparedWithData | None, mails: MailsInWords) -> None:
    rules = checked.rules
    say(f"policy {harmless(rules.policy.version)}")
    _say_lines(policy_in_words(rules.policy))
    first, *dated = rules.catalog.price_lists
    say(f"\ncatalog {harmless(first.version)}, prices in {rules.catalog.currency}")
    _say_lines(catalog_in_words(rules.catalog))
    for prices in dated:
        say(f"\nprices from {prices.valid_from} on, list {harmless(prices.version)}")
        _say_lines(prices_in_words(prices, rules.catalog))
    say("\nbrand of mails and messages")
    _say_lines(mails.brand)
    say("\nlanguages of mails and messages")
    _say_lines(mails.words)
    say(f"\ndiffers from the defaults: {'nothing' if not checked.from_defaults else ''}".rstrip())
    _say_changes(checked.from_defaults)
    say(f"\n{_verdict(compared)}")
    _say_changes(compared.changes or () if compared else ())
    for sentence in compared.meaning if compared else ():
        say(harmless(sentence))
    if compared and compared.altered_prices:
        say(f"the next start stops: {harmless(compared.altered_prices)}")
    elif compared and compared.refused:
        say(f"the next start stops; accept it with TENURE_ACCEPT_POLICY_CHANGE={checked.fingerprint}")


def _verdict(compared: ComparedWithData | None) -> str:
    if compared is None:
        return "not compared with data: no database is named"
    if compared.changes is None:
        return "no service has started on this database yet"
    return "differs from what the data were made with:" if compared.changes else "as the data were made with"


def _say_lines(lines: Iterable[Line]) -> None:
    for name, sentence in lines:
        say(f"  {name:<26} {harmless(sentence)}")


def _say_changes(changes: Iterable[Change]) -> None:
    for change in changes:
        say(f"  {harmless(str(change))}")


def _document(checked: CheckedRules, compared: ComparedWithData | None) -> dict[str, object]:
    data = compared and {
        "changes": None if compared.changes is None else [each._asdict() for each in compared.changes],
        "meaning": compared.meaning,
        "altered_prices": compared.altered_prices,
        "refused": compared.refused,
    }
    catalog = checked.rules.catalog
    return {
        "policy": dict(policy_in_words(checked.rules.policy)),
        "catalog": dict(catalog_in_words(catalog)),
        "price_lists": [_list_document(each, catalog) for each in catalog.price_lists[1:]],
        "fingerprint": checked.fingerprint,
        "from_defaults": [each._asdict() for each in checked.from_defaults],
        "data": data,
    }


def _list_document(prices: PriceList, catalog: domain.Catalog) -> dict[str, object]:
    words = dict(prices_in_words(prices, catalog))
    return {"version": prices.version, "valid_from": prices.valid_from.isoformat(), "prices": words}
