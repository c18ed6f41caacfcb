"""In which language a page speaks."""

from dataclasses import replace

from notifier_service.content.languages import Languages
from notifier_service.pages.reader import accepted, localizer_of
from tests.kit.cases import cases
from tests.unit.notifier import samples


@cases(
    ("header", "expected"),
    [
        ("", "en"),
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-Hant-TW, en;q=0.5", "zh-CN"),
        ("en;q=0.5, zh;q=0.7", "zh-CN"),
        ("fr, zh;q=0.3, en;q=0.8", "en"),
        ("zh;q=0, fr", "en"),
        ("fr;q=x, zh;q=nan, *", "en"),
        (", ;q=1, \x00", "en"),
    ],
)
def test_without_a_contact_the_browser_says_in_which_language(header: str, expected: str) -> None:
    assert accepted(samples.LANGUAGES, header) == expected


def test_the_very_language_that_the_browser_asks_for_comes_before_one_like_it() -> None:
    chinese = samples.LANGUAGES.by_tag["zh-CN"]
    languages = Languages({**samples.LANGUAGES.by_tag, "zh-TW": replace(chinese, tag="zh-TW")})
    assert [accepted(languages, asked) for asked in ("zh-cn", "zh-TW", "zh-HK")] == ["zh-CN", "zh-TW", "zh-CN"]


def test_the_contacts_language_and_zone_come_first() -> None:
    localizer = localizer_of(samples.LANGUAGES, samples.LIN, "en")
    assert (localizer.language.tag, localizer.zone.key) == ("zh-CN", "Asia/Shanghai")
    assert localizer_of(samples.LANGUAGES, None, "zh").zone.key == "UTC"
