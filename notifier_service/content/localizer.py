"""The person who reads: a language and a time zone, and how things are said in them. Pure.

Money, numbers, dates and plurals follow CLDR through Babel; the words come from `words`. An unknown
language is English, an unknown zone UTC, and `zone_known` lets the message say so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import format_date, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

from notifier_service.content.words import LANGUAGES, Phrase, language_for
from shared.contracts.types import Specification

CURRENCY: Final = "USD"
"""The catalog's: amounts on lifecycle events carry none, only a quote names its own."""
SEPARATOR: Final = " \u00b7 "
_AND_THEN_A_NUMBER: Final = re.compile(r"(?<=[\u4e00-\u9fff])(?=\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Localizer:
    """`language` is a BCP 47 tag of `words.LANGUAGES`; `zone` an IANA zone."""

    language: str
    locale: Locale
    words: Mapping[str, Phrase]
    zone: ZoneInfo
    zone_known: bool

    def say(self, key: str, **values: str | int) -> str:
        """The phrase with its placeholders filled; numbers are formatted, `n` chooses the plural form."""
        phrase = self.words[key]
        if not isinstance(phrase, str):
            phrase = phrase.get(self.locale.plural_form(int(values["n"])), phrase["other"])
        return phrase.format_map({name: self._text(value) for name, value in values.items()})

    def money(self, amount: Decimal, currency: str = CURRENCY) -> str:
        return str(format_currency(amount, currency, locale=self.locale))

    def number(self, number: int) -> str:
        return str(format_decimal(number, locale=self.locale))

    def day(self, day: date) -> str:
        """A calendar day as it stands (a billing day, no zone applies)."""
        return str(format_date(day, "long", locale=self.locale))

    def last_day(self, end: datetime) -> str:
        """The last day that begins before the end where the reader lives; an end at 00:00 is not yet its own day."""
        return self.day((end - timedelta(seconds=1)).astimezone(self.zone).date())

    def moment(self, instant: datetime) -> str:
        """An instant in the reader's zone, to the minute, with the zone."""
        local = instant.astimezone(self.zone)
        zone = _zone_name(self.zone, bool(local.dst()), self.locale)
        return self.say("moment", day=self.day(local.date()), time=f"{local:%H:%M}", zone=zone)

    def when(self, days: int) -> str:
        """Today, tomorrow, in so many days; what lies behind counts as today."""
        if days <= 0:
            return self.say("when.today")
        return self.say("when.tomorrow") if days == 1 else self.say("when.days", n=days)

    def listing(self, items: list[str]) -> str:
        return _AND_THEN_A_NUMBER.sub(" ", format_list(items, locale=self.locale))

    def months(self, months: int) -> str:
        return self.say("months", n=months)

    def edition(self, edition: str) -> str:
        return self.say(f"edition.{edition}")

    def kept(self, counts: Mapping[str, int]) -> str:
        """Counts of retained configuration; kinds without any are left out."""
        known = (("kept." + kind if "kept." + kind in self.words else "kept.other", n) for kind, n in counts.items())
        items = [self.say(key, n=n) for key, n in known if n]
        return self.listing(items) if items else self.say("kept.nothing")

    def specification(self, specification: Specification) -> str:
        """Edition, mode, what is covered and what comes on top, in one line."""
        covered = {"servers": specification.protected_servers, "cores": specification.cores}
        added = {f"feature.{feature}": n for feature, n in specification.value_added.items()}
        counted = [self.say(key, n=n) for key, n in (covered | added).items() if n]
        head = [self.edition(specification.edition), self.say(f"mode.{specification.protection_mode}")]
        return SEPARATOR.join(head + counted)

    def _text(self, value: str | int) -> str:
        return value if isinstance(value, str) else self.number(value)


@lru_cache(maxsize=4096)
def localizer(locale: str, time_zone: str) -> Localizer:
    """The reader behind a contact's `locale` and `time_zone`, whatever those say."""
    language = language_for(locale)
    known = time_zone in _zones()
    return Localizer(
        language=language,
        locale=Locale.parse(language, sep="-"),
        words=LANGUAGES[language],
        zone=ZoneInfo(time_zone if known else "UTC"),
        zone_known=known,
    )


@cache
def _zones() -> frozenset[str]:
    """Zones that say where somebody is; two of the database's names do not."""
    return frozenset(available_timezones()) - {"Factory", "localtime"}


@lru_cache(maxsize=4096)
def _zone_name(zone: ZoneInfo, summer: bool, locale: Locale) -> str:
    """`China Standard Time`; a zone that lies nowhere (`Etc/GMT+5`) is called by its key."""
    variant: Literal["daylight", "standard"] = "daylight" if summer else "standard"
    name = str(get_timezone_name(zone, width="long", zone_variant=variant, locale=locale))
    return zone.key if locale.territories["ZZ"] in name else name
