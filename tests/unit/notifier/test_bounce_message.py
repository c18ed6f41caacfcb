"""The internal message for a reader whose emails have stopped: what happened, to which address, and the way back."""

import pytest

from notifier_service.content.bounce_message import bounce_message
from notifier_service.content.render import InboxText
from notifier_service.decisions.bounce import BounceKind
from notifier_service.decisions.recipient import AddressOwner, Recipient, address_owner
from shared.contracts.types import Contact, FurtherRecipient
from tests.unit.notifier import samples
from tests.unit.notifier.test_decide import ADA

CONTACT, FORMER = AddressOwner.CONTACT, AddressOwner.FORMER
MOVED = Contact(name="Ada", email="ada@moved.example")
EVA = FurtherRecipient(recipient_id="finance", name="Eva", email="eva@example.org")
ADA_TOO = FurtherRecipient(recipient_id="finance", name="Ada", email=ADA.email)


def message_of(kind: BounceKind, locale: str, owner: AddressOwner) -> InboxText:
    return bounce_message(kind, "l…@example.com", samples.localizer(locale), owner)


def body_of(message: InboxText, title: str, remedy: str) -> str:
    """Its text, once title and remedy are as expected."""
    assert message.title == title
    assert remedy in message.body
    return message.body


@pytest.mark.parametrize(
    ("owner", "locale", "kind", "title", "remedy"),
    [
        (CONTACT, "en", BounceKind.HARD, "Emails to you no longer arrive", "correct the contact of your account"),
        (CONTACT, "en", BounceKind.COMPLAINT, "Emails to you have stopped", "ask our support"),
        (CONTACT, "zh-CN", BounceKind.HARD, "您已收不到我们的邮件", "更正账户的联系人信息"),
        (CONTACT, "zh-CN", BounceKind.COMPLAINT, "我们已停止向您发送邮件", "联系客服"),
        (FORMER, "en", BounceKind.HARD, "An email to a former address came back", "nothing to do"),
        (FORMER, "en", BounceKind.COMPLAINT, "An email to a former address was reported", "nothing to do"),
        (FORMER, "zh-CN", BounceKind.HARD, "一封发往原邮箱地址的邮件被退回", "您无需处理"),
        (FORMER, "zh-CN", BounceKind.COMPLAINT, "一封发往原邮箱地址的邮件被举报", "您无需处理"),
    ],
)
def test_a_reader_learns_why_emails_have_stopped_and_what_to_do(
    owner: AddressOwner, locale: str, kind: BounceKind, title: str, remedy: str
) -> None:
    body = body_of(message_of(kind, locale, owner), title, remedy)
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
    body = body_of(message_of(kind, locale, AddressOwner.FURTHER), title, remedy)
    assert {"en": "Your own emails are not affected.", "zh-CN": "您自己的邮件不受影响"}[locale] in body


def recipient(contact: Contact | None, *further: FurtherRecipient) -> Recipient:
    return Recipient(account_id="acct-1", contact=contact, further=further)


@pytest.mark.parametrize(
    ("known", "owner"),
    [
        (recipient(ADA, EVA), AddressOwner.CONTACT),
        (recipient(ADA, ADA_TOO), AddressOwner.CONTACT),
        (recipient(MOVED, ADA_TOO), AddressOwner.FURTHER),
        (recipient(MOVED, EVA), AddressOwner.FORMER),
        (recipient(None), AddressOwner.CONTACT),
        (recipient(None, ADA_TOO), AddressOwner.FURTHER),
    ],
)
def test_an_address_is_its_owners_of_today_and_without_a_contact_that_of_a_rejected_purchase(
    known: Recipient, owner: AddressOwner
) -> None:
    assert address_owner(known, lambda address: address == ADA.email) is owner
