"""The variants as they are told to a reader of any language: as mails and as internal messages. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache, cached_property, lru_cache
from typing import Final

from notifier_service.content.addresses import mailbox
from notifier_service.content.languages import Languages
from notifier_service.content.localizer import Localizer, localizer_for
from notifier_service.content.render import InboxText, MailMetadata, inbox_message, render
from notifier_service.content.samples.events import ADA, LIN, NOON
from notifier_service.content.samples.variants import inbox_only, mailed, sample_event
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.types import Contact

SAMPLE_REFERENCE: Final = "ntf-0123456789abcdef01234567"
"""The `notification_id` of a sample."""
SAMPLE_DATE: Final = NOON
READING: Final = policy.default.clone(header_factory=lru_cache(1024)(policy.default.header_factory))
"""Without the cache, the library takes a header apart whenever it is looked at: most of the time of reading."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One variant of a kind, such as `renewal_due-short`; `is_mailed`: there is a mail about it."""

    name: str
    event: LifecycleEvent
    is_mailed: bool


@dataclass(frozen=True)
class Preview:
    """A sample as its reader gets it; `content`: the mail in wire format, None where there is none."""

    sample: Sample
    language: str
    content: bytes | None
    inbox: InboxText

    @cached_property
    def mail(self) -> EmailMessage | None:
        """The mail as its reader's program takes it apart."""
        return message_from_bytes(self.content, policy=READING) if self.content else None


@cache
def samples() -> tuple[Sample, ...]:
    """All variants of all kinds, in the order of a subscription's life."""
    return (
        *(Sample(name, sample_event(data), True) for name, data in mailed()),
        *(Sample(name, sample_event(data), False) for name, data in inbox_only()),
    )


def reader(language: str) -> Contact:
    """Somebody who reads this language."""
    return LIN if language == LIN.locale else replace(ADA, locale=language)


def previews(languages: Languages, language: str, metadata: MailMetadata) -> Iterator[Preview]:
    """Every sample in one language, each rendered when it is its turn."""
    contact = reader(language)
    localizer = localizer_for(languages, contact.locale, contact.time_zone)
    return (preview(sample, localizer, metadata) for sample in samples())


def preview(sample: Sample, localizer: Localizer, metadata: MailMetadata) -> Preview:
    """One sample for a reader of the localizer's language."""
    event, contact = sample.event, reader(localizer.language.tag)
    to = mailbox(contact)
    content = render(event, to, localizer=localizer, metadata=metadata) if sample.is_mailed else None
    return Preview(sample, localizer.language.tag, content, inbox_message(event, localizer, metadata.brand))
