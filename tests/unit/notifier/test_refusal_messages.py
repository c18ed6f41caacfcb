"""What a refused order says: its reason and its values, in the reader's language."""

from dataclasses import replace

import pytest

from notifier_service.content.messages import mail_content
from shared.contracts.lifecycle_parts import QuantityRange, RejectionCode
from shared.contracts.types import Feature
from tests.kit.cases import cases
from tests.unit.notifier import samples


@cases("language", samples.READERS)
@cases("feature", Feature)
def test_an_amount_that_is_not_on_offer_names_its_feature_in_the_readers_words(feature: Feature, language: str) -> None:
    rejected = samples.rejected(RejectionCode.FEATURE_OUT_OF_RANGE)
    mail = samples.mail(replace(rejected, feature=feature), samples.READERS[language])
    text, html = (str(part.get_content()) for part in mail.iter_parts())
    name = samples.localizer(language, "UTC").text(f"feature_name.{feature}")
    assert name in text
    assert name in html
    assert "_" not in text.replace(samples.READERS[language].time_zone, "")


@cases("code", RejectionCode)
def test_every_refusal_has_its_own_sentence_in_both_languages(code: RejectionCode) -> None:
    english = mail_content(samples.rejected(code), samples.localizer("en", "UTC")).lead[0]
    chinese = mail_content(samples.rejected(code), samples.localizer("zh-CN", "UTC")).lead[0]
    others = {
        mail_content(samples.rejected(each), samples.localizer("en", "UTC")).lead[0]
        for each in RejectionCode
        if each != code
    }
    assert english not in others
    assert english.isascii()
    assert not chinese.isascii()


@cases("code", RejectionCode)
def test_a_refusal_without_figures_is_still_a_sentence(code: RejectionCode) -> None:
    data = replace(samples.rejected(code), required=None, offered=None)
    assert "None" not in " ".join(mail_content(data, samples.localizer("en", "UTC")).lead)


def test_a_range_is_said_in_the_readers_language() -> None:
    content = mail_content(samples.rejected(RejectionCode.FEATURE_OUT_OF_RANGE), samples.localizer("zh-CN", "UTC"))
    assert "0，或 20 至 500" in [row.value for row in content.details]


def test_a_list_of_durations_has_the_readers_commas() -> None:
    content = mail_content(samples.rejected(RejectionCode.INVALID_DURATION), samples.localizer("zh-CN", "UTC"))
    assert "1 至 12、24 或 36 个月" in [row.value for row in content.details]


def test_a_step_is_named_where_it_is_more_than_one() -> None:
    rejected = samples.rejected(RejectionCode.FEATURE_OUT_OF_RANGE)
    unlimited = QuantityRange(minimum=10, maximum=None, step=10)
    content = mail_content(replace(rejected, range=unlimited), samples.localizer("en", "UTC"))
    assert "0, or 10 or more in steps of 10" in [row.value for row in content.details]


@pytest.mark.parametrize(
    ("allowed", "english", "chinese"),
    [
        (QuantityRange(minimum=1, maximum=None, step=1), "0, or 1 or more", "0，或 1 及以上"),
        (
            QuantityRange(minimum=20, maximum=200_000, step=20),
            "0, or 20 to 200,000 in steps of 20",
            "0，或 20 至 200,000，步长 20",
        ),
        (
            QuantityRange(minimum=1000, maximum=None, step=100),
            "0, or 1,000 or more in steps of 100",
            "0，或 1,000 及以上，步长 100",
        ),
    ],
)
def test_a_range_is_made_from_its_numbers(allowed: QuantityRange, english: str, chinese: str) -> None:
    data = replace(samples.rejected(RejectionCode.FEATURE_OUT_OF_RANGE), range=allowed)
    for language, expected in (("en", english), ("zh-CN", chinese)):
        assert expected in [row.value for row in mail_content(data, samples.localizer(language)).details]


@cases("code", RejectionCode)
def test_no_english_of_the_event_reaches_a_reader(code: RejectionCode) -> None:
    data = replace(samples.rejected(code), message="please ask us", required="a multiple of 5", offered="fewer or 3")
    for language in samples.READERS:
        content = mail_content(data, samples.localizer(language))
        shown = " ".join([*content.lead, *(row.value for row in content.details)])
        assert not [word for word in ("please ask", "multiple", "fewer or") if word in shown]


def test_a_refusal_from_before_ranges_were_on_the_wire_leaves_their_rows_out() -> None:
    data = replace(samples.rejected(RejectionCode.FEATURE_OUT_OF_RANGE), feature=None, range=None)
    labels = [row.label for row in mail_content(data, samples.localizer("en")).details]
    assert labels == ["Request", "Order", "Your order"]


def test_an_amount_in_a_refusal_has_the_separators_of_the_language() -> None:
    content = mail_content(samples.rejected(RejectionCode.AMOUNT_OUT_OF_RANGE), samples.localizer("zh-CN"))
    assert {"999,999,999,999.99", "1,234,567,890,123.00"} <= {row.value for row in content.details}
