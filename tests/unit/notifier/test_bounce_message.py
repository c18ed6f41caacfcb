"""The internal message for a reader whose emails have stopped: what happened, to which address, and the way back."""

import pytest

from notifier_service.content.bounce_message import bounce_message
from notifier_service.content.render import InboxText
from notifier_service.decisions.bounce import BounceKind
from tests.unit.notifier import samples


def body_of(message: InboxText, title: str, remedy: str) -> str:
    """Its text, once title and remedy are as expected."""
    assert message.title == title
    assert remedy in message.body
    return message.body


@pytest.mark.parametrize(
    ("locale", "kind", "title", "remedy"),
    [
        ("en", BounceKind.HARD, "Emails to you no longer arrive", "correct the contact of your account"),
        ("en", BounceKind.COMPLAINT, "Emails to you have stopped", "ask our support"),
        ("zh-CN", BounceKind.HARD, "您已收不到我们的邮件", "更正账户的联系人信息"),
        ("zh-CN", BounceKind.COMPLAINT, "我们已停止向您发送邮件", "联系客服"),
    ],
)
def test_a_reader_learns_why_emails_have_stopped_and_how_they_come_again(
    locale: str, kind: BounceKind, title: str, remedy: str
) -> None:
    body = body_of(bounce_message(kind, "l…@example.com", samples.localizer(locale), further=False), title, remedy)
    assert body.count("l…@example.com") == 1


@pytest.mark.rule("R52")
@pytest.mark.parametrize(
    ("locale", "kind", "title", "remedy"),
    [
        ("en", BounceKind.HARD, "Emails to a further recipient no longer arrive", "correct the list of recipients"),
        ("en", BounceKind.COMPLAINT, "Emails to a further recipient have stopped", "ask our support"),
        ("zh-CN", BounceKind.HARD, "一位其他收件人已收不到我们的邮件", "更正收件人名单"),
        ("zh-CN", BounceKind.COMPLAINT, "我们已停止向一位其他收件人发送邮件", "联系客服"),
    ],
)
def test_of_a_further_recipients_address_it_says_that_emails_to_the_contact_go_on(
    locale: str, kind: BounceKind, title: str, remedy: str
) -> None:
    body = body_of(bounce_message(kind, "l…@example.com", samples.localizer(locale), further=True), title, remedy)
    assert {"en": "Your own emails are not affected.", "zh-CN": "您自己的邮件不受影响"}[locale] in body
