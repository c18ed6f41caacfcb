"""Writes every mail and message as it will look into a folder, and sends samples through the configured relay."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from notifier_service.content.addresses import UnusableAddress, mailbox
from notifier_service.content.languages import FALLBACK
from notifier_service.content.localizer import localizer_for
from notifier_service.content.mail_composer import Mail
from notifier_service.content.render import MailMetadata, render
from notifier_service.content.samples.mails import Preview, Sample, preview, reader, samples
from notifier_service.content_files import LoadedContent, load_content, sample_metadata
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.stages import StepMeaning
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from notifier_service.previews.gallery import gallery
from notifier_service.previews.viewports import Scheme, page_of
from shared.runtime.settings import Settings

__all__ = ["MailPreviews", "NoSuchMail", "NotSent", "UnusableAddress"]

_INDEX: Final = "index"


class NoSuchMail(Exception):
    """No kind, variant or language is called so; the message says which there are."""


class NotSent(Exception):
    """The relay did not take a sample; the message has its reply."""


@dataclass(frozen=True, slots=True)
class MailPreviews:
    """Samples of some kinds in some languages, with the brand and words that the settings name."""

    content: LoadedContent
    settings: Settings
    chosen: Sequence[Sample]
    languages: Sequence[str]

    @classmethod
    def choose(cls, settings: Settings, kind: str | None, locale: str | None) -> "MailPreviews":
        """`kind` names a kind or one of its variants. Raises `NoSuchMail`, and `BadSettings` of brand and words."""
        content = load_content(settings)
        return cls(content, settings, _samples(kind), _languages(content, locale))

    def write(self, folder: Path) -> Path:
        """Mails as HTML (by day and by night), text and `.eml`, and a page with all of them, whose path is returned."""
        folder.mkdir(parents=True, exist_ok=True)
        metadata = sample_metadata(self.settings, self.content.brand)
        pages = {language: _page_name(language, self.languages) for language in self.languages}
        for language in self.languages:
            shown = list(self._previews(language, metadata))
            for each in shown:
                _write_mail(folder, each)
            page = gallery(shown, language, languages=pages, frame=_frame_of(language))
            (folder / pages[language]).write_text(page, "utf-8")
        return folder / pages[self.languages[0]]

    async def send_to(self, address: str) -> int:
        """One mail in each language about the first variant; how many. Raises `NotSent`, `UnusableAddress`."""
        mails = [self._sample_to(address, language) for language in self.languages]
        relay = MailRelay(self.settings)
        try:
            for mail in mails:
                attempted = await relay.send(mail, _nothing_before_data)
                if attempted.meaning is not StepMeaning.DELIVERED:
                    raise NotSent(f"the relay did not take the sample: {attempted.reason}")
        except RelayUnreachable as error:
            raise NotSent(str(error)) from None
        finally:
            await relay.close()
        return len(mails)

    def _previews(self, language: str, metadata: MailMetadata) -> Iterator[Preview]:
        contact = reader(language)
        localizer = localizer_for(self.content.languages, contact.locale, contact.time_zone)
        return (preview(sample, localizer, metadata) for sample in self.chosen)

    def _sample_to(self, address: str, language: str) -> Mail:
        """Raises `UnusableAddress`, and `NoSuchMail` where there is only an internal message."""
        sample = next((each for each in self.chosen if each.is_mailed), None)
        if sample is None:
            raise NoSuchMail("there is no mail of this kind, only an internal message")
        notification_id = f"ntf-sample-{secrets.token_hex(12)}"
        made_with = sample_metadata(self.settings, self.content.brand)
        metadata = replace(made_with, notification_id=notification_id, date=datetime.now(UTC))
        contact = replace(reader(language), email=address)
        localizer = localizer_for(self.content.languages, contact.locale, contact.time_zone)
        to = mailbox(contact)
        content = render(sample.event, to, localizer=localizer, metadata=metadata)
        return Mail(notification_id, to.addr_spec, content)


def _samples(kind: str | None) -> Sequence[Sample]:
    found = [each for each in samples() if kind in (None, each.name, each.event.kind)]
    if not found:
        kinds = ", ".join(dict.fromkeys(each.event.kind for each in samples()))
        raise NoSuchMail(f"there is no kind or variant {kind!r}; the kinds are {kinds}")
    return found


def _languages(content: LoadedContent, locale: str | None) -> Sequence[str]:
    """English first."""
    there = sorted(content.languages.by_tag, key=lambda tag: (tag != FALLBACK, tag))
    if locale is None:
        return there
    served = content.languages.language_for(locale).tag
    if served.casefold() != locale.strip().replace("_", "-").casefold():
        raise NoSuchMail(f"there is no language {locale!r}; the languages are {', '.join(there)}")
    return [served]


def _write_mail(folder: Path, shown: Preview) -> None:
    mail = shown.mail
    if mail is None or shown.content is None:
        return
    name = f"{shown.sample.name}.{shown.language}"
    for scheme in Scheme:
        (folder / f"{name}.{scheme}.html").write_text(page_of(mail, scheme), "utf-8")
    (folder / f"{name}.eml").write_bytes(shown.content)


def _page_name(language: str, languages: Sequence[str]) -> str:
    return f"{_INDEX}.html" if language == languages[0] else f"{_INDEX}.{language}.html"


def _frame_of(language: str) -> Callable[[str, Scheme], str]:
    return lambda name, scheme: f"{name}.{language}.{scheme}.html"


async def _nothing_before_data() -> None:
    await asyncio.sleep(0)
