"""What a customer can act on: each mail and message states account, what is held, price, deadline and what is missing.

In the text part, in the HTML part and in the inbox, in both languages, and each of it once.
"""

import re
from collections import Counter
from datetime import datetime
from functools import cache

import pytest

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import mail_content
from shared.contracts.lifecycle import (
    Activated,
    Expired,
    LifecycleData,
    ReleaseDue,
    RenewalDue,
    Renewed,
)
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import Quote, RejectionCode
from shared.contracts.types import Specification
from tests.kit.cases import cases
from tests.unit.notifier import samples, variants
from tests.unit.notifier.shown import texts

Table = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]

MAILED = dict(variants.mailed())
ALL = MAILED | dict(variants.inbox_only())
ABOUT_MONEY = (Activated, Renewed, AutoRenewalFailed, RenewalDue, Expired, ReleaseDue)
OLDER = dict(variants.older())
PAYING = {name: data for name, data in MAILED.items() if isinstance(data, ABOUT_MONEY)}


@cache
def shown(name: str, language: str) -> list[str]:
    """A sample in all forms; composed once."""
    return texts(ALL[name], language)


FACTS: Table = {
    "activated-on": (
        ("acct-1", "ord-2026-0042", "Enterprise · full protection · 18 servers · 500 GB", "$307.00 for 1 month"),
        (
            "acct-1",
            "ord-2026-0042",
            "企业版 · 全量防护 · 18 台服务器",
            "500 GB",
            "US$307.00（1 个月）",
            "2026年12月1日",
        ),
    ),
    "renewed-manual": (
        ("December 1, 2027 at 11:00", "$3,684.00 for 12 months", "Nothing was deducted"),
        ("2027年12月1日", "2027年12月2日 00:00", "US$3,684.00（12 个月）", "没有从账户余额中扣除"),
    ),
    "renewed-automatic": (
        ("$1,234.50 for 12 months", "$123.45", "$1,111.05", "$88.95", "spring-10"),
        ("US$1,234.50（12 个月）", "US$123.45", "US$1,111.05", "US$88.95", "spring-10"),
    ),
    "renewed-automatic-without-a-coupon": (("$1,234.50 for 12 months", "$88.95"), ("US$1,234.50（12 个月）",)),
    "renewed-free": (("$0.00", "Nothing had to be deducted"), ("US$0.00", "无需从账户余额中扣款")),
    "renewed-reactivated": (("4 asset groups, 1 tag", "as you left it"), ("4 个资产分组、1 个标签", "原样保留")),
    "auto_renewal_failed-next": (
        ("$99.75", "$1,234.50 for 3 months", "$34.50", "$1,200.00", "$1,100.25", "November 24, 2026 at 19:00"),
        ("US$99.75", "US$1,234.50（3 个月）", "US$34.50", "US$1,200.00", "2026年11月25日 08:00", "2026年12月1日"),
    ),
    "auto_renewal_failed-last": (
        ("$134.25", "December 1, 2026 at 11:00", "as soon as a payment arrives"),
        ("US$134.25", "2026年12月2日 00:00", "款项到账后我们会立即重试"),
    ),
    "renewal_upcoming-covered": (
        ("November 25, 2026", "19:00", "$921.00 for 3 months", "$1,000.10", "December 1, 2026", "Your balance covers"),
        ("2026年11月26日", "08:00", "US$921.00（3 个月）", "US$1,000.10", "2026年12月1日", "余额足够"),
    ),
    "renewal_upcoming-short": (
        ("$49.75", "November 25, 2026 at 19:00", "$921.00 for 3 months", "$890.00", "$21.00", "$900.00", "$850.25"),
        ("US$49.75", "2026年11月26日 08:00", "US$921.00（3 个月）", "US$890.00", "US$21.00", "US$900.00", "US$850.25"),
    ),
    "renewal_upcoming-dearer": (
        ("$921.00 for 3 months", "$700.00", "differs from that of your last term"),
        ("US$921.00（3 个月）", "US$700.00", "与上一周期不同"),
    ),
    "renewal_upcoming-free": (
        ("nothing will have to be deducted", "spring-10", "switch auto-renewal off"),
        ("无需从账户余额中扣款", "spring-10", "关闭自动续费"),
    ),
    "renewal_upcoming-obstacles": (
        ("20 servers registered, 2 more", "1,250 cores registered, 50 more"),
        ("已注册 20 台服务器，超出配额 2", "已注册 1,250 核，超出配额 50"),
    ),
    "renewal_due-off": (
        ("in 7 days", "December 1, 2026 at 11:00 (Eastern Standard Time, UTC-05:00)", "$921.00 for 3 months"),
        ("7 天后", "2026年12月2日 00:00（中国标准时间，UTC+08:00）", "US$921.00（3 个月）"),
    ),
    "renewal_due-will_charge": (
        ("$1,000.10", "November 25, 2026 at 19:00", "Your balance covers"),
        ("US$1,000.10", "2026年11月26日 08:00", "余额足够"),
    ),
    "renewal_due-short": (
        ("$49.75", "$21.00", "spring-10", "$900.00", "$850.25", "in 7 days"),
        ("US$49.75", "US$21.00", "spring-10", "US$900.00", "US$850.25", "7 天后"),
    ),
    "renewal_due-failed": (("$49.75", "$900.00", "in 7 days"), ("US$49.75", "US$900.00", "7 天后")),
    "renewal_due-obstacles": (
        ("20 servers registered, 2 more", "1,250 cores registered, 50 more"),
        ("已注册 20 台服务器，超出配额 2", "已注册 1,250 核，超出配额 50"),
    ),
    "quota_exceeded-full": (
        ("2 servers and 50 cores", "Ultimate · full protection", "17 of 15 used", "1,250 of 1,200 used"),
        ("2 台服务器和 50 核", "旗舰版 · 全量防护", "已用 17，配额 15", "已用 1,250，配额 1,200"),
    ),
    "expired": (
        ("December 8, 2026 at 11:00", "$921.00 for 3 months", "17 quarantined files", "December 1, 2026"),
        ("2026年12月9日 00:00", "US$921.00（3 个月）", "17 个隔离文件", "2026年12月1日"),
    ),
    "release_due": (
        ("December 8, 2026 at 11:00", "$921.00 for 3 months", "2 baseline check policies"),
        ("2026年12月9日 00:00", "US$921.00（3 个月）", "2 个基线检查策略"),
    ),
    "released": (
        ("December 8, 2026", "Enterprise · full protection · 18 servers", "Basic", "17 quarantined files"),
        ("12月9日", "企业版 · 全量防护 · 18 台服务器", "免费版", "17 个隔离文件"),
    ),
    "order_rejected-servers_below_inventory": (
        ("Renewal with change", "ord-2026-0099", "14 servers", "10 servers", "4 too few"),
        ("续费并变更规格", "ord-2026-0099", "14 台服务器", "10 台服务器", "还差 4"),
    ),
    "auto_renewal_enabled": (
        ("Enterprise · full protection · 18 servers", "$307.00 for 1 month", "November 21, 2026 at 19:00"),
        ("企业版 · 全量防护 · 18 台服务器", "US$307.00（1 个月）", "2026年11月22日 08:00"),
    ),
    "renewal_declined": (("December 1, 2026 at 11:00",), ("2026年12月1日", "2026年12月2日 00:00")),
    "auto_renewal_disabled": (("December 1, 2026 at 11:00",), ("2026年12月1日", "2026年12月2日 00:00")),
    "extended-active": (
        ("by 3 days; nothing was deducted", "December 1, 2026"),
        ("延长 3 天", "2026年12月1日", "2026年12月2日 00:00"),
    ),
    "extended-grace": (
        ("by 1 day; ", "December 1, 2026", "December 8, 2026 at 11:00"),
        ("延长 1 天", "2026年12月1日", "2026年12月9日 00:00"),
    ),
    "renewal_cancelled-refunded": (
        ("ord-2026-0077", "December 1, 2026", "$1,111.05", "$1,200.00", "Auto-renewal was switched off"),
        ("ord-2026-0077", "2026年12月1日", "US$1,111.05", "US$1,200.00", "自动续费已随之关闭"),
    ),
    "specification_changed-120.00": (("$120.00 more",), ("增加 US$120.00",)),
}
"""Sample -> what must stand in it, in English and in Chinese."""


@cases("language", samples.READERS)
@cases("name", FACTS)
def test_the_facts_stand_in_text_html_and_inbox(name: str, language: str) -> None:
    expected = FACTS[name][list(samples.READERS).index(language)]
    for text in shown(name, language):
        joined = " ".join(text.split())
        assert [fact for fact in expected if fact not in joined] == []


def test_every_kind_of_mail_stands_in_the_table_of_facts() -> None:
    assert {name.partition("-")[0] for name in MAILED} <= {name.partition("-")[0] for name in FACTS}


@cases("language", samples.READERS)
@cases("name", PAYING)
def test_a_message_about_money_or_a_deadline_says_what_is_held_what_it_costs_and_until_when(
    name: str, language: str
) -> None:
    who = samples.localizer(language, samples.READERS[language].time_zone)
    for text in shown(name, language):
        joined = " ".join(text.split())
        assert [fact for fact in demanded(PAYING[name], who) if fact not in joined] == []


def demanded(data: LifecycleData, who: Localizer) -> list[str]:
    """Account, edition and quota, price, deadline, and what is missing after the coupon."""
    held, quote, deadline = terms_of(data)
    assert held is not None
    assert quote is not None
    assert deadline is not None
    missing = data.shortfall if isinstance(data, AutoRenewalFailed | RenewalDue) else None
    money = [who.money(quote.fee, quote.currency), who.months(quote.months)]
    lacking = [who.money(missing, "USD")] if missing else []
    return ["acct-1", who.specification(held), who.moment(deadline), *money, *lacking]


def terms_of(data: LifecycleData) -> tuple[Specification | None, Quote | None, datetime | None]:
    match data:
        case Activated():
            return data.specification, data.price, data.ends_at
        case Renewed():
            return data.term.specification, data.price, data.ends_at
        case AutoRenewalFailed():
            return data.specification, Quote(months=data.months or 0, fee=data.fee, currency="USD"), data.ends_at
        case RenewalDue():
            return data.specification, data.quote, data.ends_at
        case Expired():
            return data.specification, data.quote, data.retained_until
        case ReleaseDue():
            return data.specification, data.quote, data.release_at
    raise AssertionError(data)


_ZONES = re.compile(r"[（(][^()（）]*UTC[+-]\d\d:\d\d[)）]|UTC|\b\d\d:\d\d\b")
_URL = re.compile(r"https?://\S+")
_FIGURE = re.compile(
    r"[A-Za-z]+(?:-[0-9a-z]+)*-[0-9][0-9a-z]*(?:-[0-9a-z]+)*"  # ids
    r"|[A-Z][a-z]+ \d{1,2}, \d{4}|\d{4}年\d{1,2}月\d{1,2}日"  # days
    r"|\d[\d,]*(?:\.\d+)?"  # amounts and counts
)
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?](?=\s)|[。！？]|\n)")


def repeated(pattern: re.Pattern[str], text: str) -> list[str]:
    """What the pattern finds more than once, apart from addresses of pages and times of the day."""
    found = Counter(each.strip() for each in pattern.findall(_ZONES.sub("", _URL.sub("", text))))
    return [each for each, times in found.items() if each and times > 1]


@cases("language", samples.READERS)
@cases("name", ALL)
def test_no_sentence_and_no_figure_is_said_twice(name: str, language: str) -> None:
    for text in shown(name, language):
        assert repeated(_FIGURE, text) == []
        assert repeated(_SENTENCE, f"{text}\n".replace("--", "")) == []


def test_what_is_said_twice_would_be_found() -> None:
    twice = "Ends December 1, 2026 at 11:00.\nord-1-x costs $9.50.\nOn December 1, 2026, $9.50.\nord-1-x\n9 servers"
    assert repeated(_FIGURE, twice) == ["December 1, 2026", "ord-1-x", "9.50"]
    assert repeated(_SENTENCE, "Renew now. Or not.\nRenew now.\n") == ["Renew now."]


_CODE_WORD = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b|\b[A-Z]+_[A-Z_]+\b|\b[a-z]+[A-Z]\w*|[{}<>\[\]]")
_JARGON = re.compile(r"(?i)\b(?:idempot\w*|null|none|true|false|payload|enum|event|conflict|charged|code|invalid)\b")


def words(name: str, language: str) -> list[str]:
    """All texts of a message with its subject, apart from addresses of pages and ids of time zones."""
    contact = samples.READERS[language]
    subject = mail_content(ALL[name], samples.localizer(language, contact.time_zone)).subject
    return [_URL.sub("", text).replace(contact.time_zone, "") for text in (*shown(name, language), subject)]


@cases("language", samples.READERS)
@cases("name", ALL)
def test_no_word_of_engineers_reaches_a_customer(name: str, language: str) -> None:
    for text in words(name, language):
        assert _CODE_WORD.findall(text) == []
        assert _JARGON.findall(text) == []
        assert [code for code in RejectionCode if code in text] == []


@cases("name", ALL)
def test_a_chinese_message_has_no_english_word(name: str) -> None:
    known = {"GB", "UTC", "US", "Guard", "acct", "ord", "ntf", "spring", "lin", "example", "com", "abcdef", "Shanghai"}
    latin = {word for text in words(name, "zh-CN") for word in re.findall(r"[A-Za-z]{2,}", text)}
    assert latin <= known


@cases("language", samples.READERS)
@cases("name", [name for name in MAILED if name.endswith("-nothing")])
def test_with_nothing_stored_nothing_is_said_about_keeping_settings(name: str, language: str) -> None:
    for text in words(name, language):
        told = text.replace("您的服务器列表仍然保留", "")
        assert not re.search(r"(?i)setting|set up|kept|delet|as you left|配置|保留|删除", told)


def test_only_an_automatic_renewal_says_that_something_was_deducted() -> None:
    who = samples.localizer("en")
    label = who.text("label.charged")
    saying = {name for name, data in ALL.items() if label in {row.label for row in mail_content(data, who).details}}
    assert saying == {"renewed-automatic", "renewed-automatic-without-a-coupon", "renewed-free"}


@pytest.mark.slow
@cases("language", samples.READERS)
@cases("name", OLDER)
def test_an_event_from_before_the_facts_were_stated_is_told_without_them(name: str, language: str) -> None:
    for text in texts(OLDER[name], language):
        assert "None" not in text
        assert "acct-1" in text
