"""Sentences, amounts, dates and names in a reader's language and time zone. Pure.

The sentences come from the catalogs (`languages`); money, numbers, dates and lists follow CLDR through Babel. An
unknown language is English, an unknown zone UTC, and `zone_known` lets the message say so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, localcontext
from functools import cache, lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_skeleton, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, get_currency_precision

from notifier_service.content.languages import COUNT, Language, Languages
from shared.contracts.types import Specification

SEPARATOR: Final = " \u00b7 "
_REMEMBERED: Final = 4096
"""So many of what was formatted last are kept: customers share days, prices and zones, and Babel takes its time."""
_DIGITS: Final = 40
"""Balances have up to 30 digits; beyond 28, Python's default, formatting fails."""
_LETTER_THEN_DIGIT: Final = re.compile(r"(?<=[A-Za-z])(?=\d)")
"""Between a currency's code and its amount (`CHF 1.00`), where CLDR wants a blank and Babel has none."""
_CHINESE_THEN_DIGIT: Final = re.compile(r"(?<=[\u4e00-\u9fff])(?=\d)")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Localizer:
    """One reader's language and time zone; `languages` are all that exist. Made by `localizer_for`, one for each pair.

    Compared by identity, as a key of caches.
    """

    languages: Languages
    language: Language
    zone: ZoneInfo
    zone_known: bool

    def text(self, key: str, **values: str) -> str:
        """The sentence with its placeholders filled. Raises `KeyError` for a key that no catalog has, and `ValueError`
        for a sentence with plural forms, which needs `counted`.
        """
        return self.language.sentences[key].text.format_map(values) if values else _fixed(key, self.language)

    def counted(self, key: str, count: int) -> str:
        """The sentence in the plural form for this number, with the number in it. Raises `KeyError` as `text` does."""
        return self.language.sentences[key].form(count).format_map({COUNT: self.number(count)})

    def money(self, amount: Decimal, currency: str | None) -> str:
        """An amount with its currency, never rounded; without one where the event is from before they named theirs."""
        return _money(amount, currency, self.language)

    def number(self, number: int) -> str:
        """A whole number with the language's separators."""
        return _number(number, self.language)

    def day(self, day: date) -> str:
        """A calendar day as it is (a day in the billing zone; no time zone applies)."""
        return _day(day, self.language)

    def last_day(self, end: datetime) -> str:
        """The last day that begins before `end` in the reader's zone: an end at 00:00 belongs to the day before."""
        return self.day((end - timedelta(seconds=1)).astimezone(self.zone).date())

    def local_day(self, instant: datetime) -> date:
        """The day of an instant on the reader's calendar."""
        return instant.astimezone(self.zone).date()

    def moment(self, instant: datetime) -> str:
        """An instant in the reader's zone, to the minute, with the zone's name and its offset from UTC."""
        return _moment(instant, self)

    def clock(self, instant: datetime) -> str:
        """What `moment` has after the day: the time, the zone's name and its offset from UTC."""
        return _clock(instant, self)

    def stamp(self, instant: datetime) -> str:
        """An instant in the reader's zone as short as a list has room for, without the zone."""
        local = instant.astimezone(self.zone)
        return f"{format_skeleton('yMMMd', local, locale=self.language.locale)} {local:%H:%M}"

    def when(self, days: int) -> str:
        """Today, tomorrow, or in so many days; 0 and less is today."""
        if days <= 0:
            return self.text("when.today")
        return self.text("when.tomorrow") if days == 1 else self.counted("when.days", days)

    def listing(self, items: list[str]) -> str:
        """`a, b and c`."""
        return _CHINESE_THEN_DIGIT.sub(" ", format_list(items, locale=self.language.locale))

    def months(self, months: int) -> str:
        """A duration in months."""
        return self.counted("months", months)

    def edition(self, edition: str) -> str:
        """An edition's name."""
        return self.text(f"edition.{edition}")

    def retained(self, counts: Mapping[str, int]) -> str:
        """Retained configuration as a list; kinds with count 0 are left out, unknown kinds count as other settings."""
        known = {kind: f"retained.{kind}" for kind in counts if f"retained.{kind}" in self.language.sentences}
        return self.listing([self.counted(known.get(kind, "retained.other"), n) for kind, n in counts.items() if n])

    def specification(self, specification: Specification) -> str:
        """Edition, mode, quota and value-added features, in one line."""
        quota = {"servers": specification.protected_servers, "cores": specification.cores}
        added = {f"feature.{feature}": n for feature, n in specification.value_added.items()}
        counted = [self.counted(key, n) for key, n in (quota | added).items() if n]
        return SEPARATOR.join([self.product(specification), *counted])

    def product(self, specification: Specification) -> str:
        """Edition and mode."""
        mode = self.text(f"mode.{specification.protection_mode}")
        return SEPARATOR.join([self.edition(specification.edition), mode])

    def price(self, amount: str, months: int) -> str:
        """An amount, from `money`, and the months that it is for."""
        return self.text("price", amount=amount, months=self.months(months))


@lru_cache(_REMEMBERED)
def localizer_for(languages: Languages, locale: str, time_zone: str) -> Localizer:
    """For a contact's `locale` and `time_zone`, whatever those hold."""
    known = time_zone in _zones()
    return Localizer(
        languages=languages,
        language=languages.language_for(locale),
        zone=ZoneInfo(time_zone if known else "UTC"),
        zone_known=known,
    )


@lru_cache(_REMEMBERED)
def _fixed(key: str, language: Language) -> str:
    """A sentence without placeholders."""
    return language.sentences[key].text.format()


@lru_cache(_REMEMBERED)
def _money(amount: Decimal, currency: str | None, language: Language) -> str:
    with localcontext(prec=_DIGITS):
        if currency is None:
            return str(format_decimal(amount, "#,##0.00", locale=language.locale))
        exact = amount == round(amount, get_currency_precision(currency))  # else a currency without cents shows them
        shown = format_currency(amount, currency, locale=language.locale, currency_digits=exact)
    return _LETTER_THEN_DIGIT.sub("\u00a0", shown)


@lru_cache(_REMEMBERED)
def _number(number: int, language: Language) -> str:
    return str(format_decimal(number, locale=language.locale))


@lru_cache(_REMEMBERED)
def _day(day: date, language: Language) -> str:
    return str(format_date(day, "long", locale=language.locale))


@lru_cache(_REMEMBERED)
def _moment(instant: datetime, localizer: Localizer) -> str:
    day = localizer.day(localizer.local_day(instant))
    return localizer.text("moment", day=day, clock=localizer.clock(instant))


@lru_cache(_REMEMBERED)
def _clock(instant: datetime, localizer: Localizer) -> str:
    local = instant.astimezone(localizer.zone)
    zone = _zone_name(localizer.zone, _is_daylight(local), localizer.language.locale)
    offset = f"{local:%z}"
    return localizer.text("moment.clock", time=f"{local:%H:%M}", zone=zone, offset=f"UTC{offset[:3]}:{offset[3:5]}")


@cache
def _zones() -> frozenset[str]:
    """The IANA zones; two names in the database are no place on earth."""
    return frozenset(available_timezones()) - {"Factory", "localtime"}


def _is_daylight(local: datetime) -> bool:
    """Whether CLDR calls it daylight time: the part of the year in which clocks are ahead.

    The tz database follows the law instead, which in Ireland calls summer standard and winter one hour behind it.
    """
    shift = local.dst()
    return shift > timedelta(0) if shift else _has_winter_time(local.tzinfo, local.year)


@lru_cache(_REMEMBERED)
def _has_winter_time(zone: tzinfo | None, year: int) -> bool:
    """Whether the tz database has a part of that year as time behind standard time."""
    shifts = [datetime(year, month, 1, tzinfo=zone).dst() for month in (1, 4, 7, 10)]
    return any(shift < timedelta(0) for shift in shifts if shift)


@cache
def _metazones() -> Mapping[str, str]:
    """Zone id -> the metazone in which CLDR names its time, of zones that CLDR has by an earlier id (`Asia/Calcutta`):
    Babel asks for the present one alone, and finds none.
    """
    metazones, present = get_global("meta_zones"), get_global("zone_aliases")
    by_earlier = {zone: metazone for zone, metazone in metazones.items() if present.get(zone, zone) not in metazones}
    found = {present[zone]: metazone for zone, metazone in by_earlier.items()}
    return found | {zone: found[key] for zone, key in present.items() if key in found}


def _metazone_names(zone: str, locale: Locale) -> Mapping[str, str]:
    """Variant (`standard`, `daylight`) -> name, where Babel does not find it by the zone's id."""
    names: Mapping[str, str] = locale.meta_zones.get(_metazones().get(zone, ""), {}).get("long", {})
    return names


@lru_cache(_REMEMBERED)
def _zone_name(zone: ZoneInfo, daylight: bool, locale: Locale) -> str:
    """`China Standard Time`; a zone without a place (`Etc/GMT+5`) is called by its id."""
    variant: Literal["daylight", "standard"] = "daylight" if daylight else "standard"
    if name := _metazone_names(zone.key, locale).get(variant):
        return name
    name = str(get_timezone_name(zone, width="long", zone_variant=variant, locale=locale))
    return zone.key if locale.territories["ZZ"] in name else name
