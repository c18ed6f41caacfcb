"""A kept mail as operators see it: nothing in it opens its reader's inbox."""

from email import message_from_bytes
from email.policy import default

import pytest

from notifier_service.content.masked_links import with_masked_links
from notifier_service.content.render import Links
from tests.unit.notifier import samples, variants

TOKEN = "eyJhbGciOiJIUzI1NiJ9." + "aZ0-_9" * 40 + ".c2lnbmF0dXJl-_"
SIGNATURE = "fedcba9876543210fedcba98"
PAGES = "https://tenure.example"
LINKS = Links(
    inbox_url=f"{PAGES}/inbox?token={TOKEN}",
    preferences_url=f"{PAGES}/preferences?token={TOKEN}",
    unsubscribe_url=f"{PAGES}/unsubscribe?notification=ntf-1&signature={SIGNATURE}",
)


def words_of(mail: bytes) -> str:
    """Its headers, and its texts as a mail program decodes them."""
    message = message_from_bytes(mail, policy=default)
    texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), *texts])


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
@pytest.mark.parametrize("name", ["activated", "renewed"])
def test_tokens_and_signatures_are_masked_and_every_other_word_stays(name: str, locale: str) -> None:
    sent = samples.wire(getattr(samples, name), samples.READERS[locale], links=LINKS)
    assert all(secret in words_of(sent) for secret in (TOKEN, SIGNATURE))
    masked = words_of(with_masked_links(sent))
    assert masked == words_of(sent).replace(TOKEN, "masked").replace(SIGNATURE, "masked")
    assert masked.count("=masked") >= 6


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_a_mail_without_links_stays_as_it_was_sent_to_the_byte(locale: str) -> None:
    for _, data in variants.mailed():
        sent = samples.wire(data, samples.READERS[locale], links=Links())
        assert with_masked_links(sent) == sent
