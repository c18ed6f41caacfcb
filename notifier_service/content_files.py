"""Loads what an operator may change of mails and messages: brand and words. Called at the start by `app`."""

from dataclasses import dataclass
from pathlib import Path

from notifier_service.content.brand import Brand
from notifier_service.content.brand_file import load_brand
from notifier_service.content.catalogs import load_languages
from notifier_service.content.languages import Languages
from notifier_service.content.render import Links, MailMetadata
from notifier_service.content.samples.mails import SAMPLE_DATE, SAMPLE_REFERENCE
from notifier_service.content.word_checks import check_words
from shared.runtime.settings import BadSettings, Settings


@dataclass(frozen=True, slots=True, eq=False)
class LoadedContent:
    """In which languages and in whose name customers are written to."""

    languages: Languages
    brand: Brand


def load_content(settings: Settings) -> LoadedContent:
    """Languages and brand. Raises `BadSettings` with file, and key or line, of what is wrong.

    Our own words are held by tests; those of an operator are tried on every kind in every language.
    """
    try:
        brand = load_brand(settings.brand_file)
        if settings.words_dir is None:
            return LoadedContent(load_languages(), brand)
        languages = load_languages(_folder_of_words(settings.words_dir))
        check_words(languages, brand)
    except (ValueError, OSError) as error:
        raise BadSettings(str(error)) from error
    return LoadedContent(languages, brand)


def sample_metadata(settings: Settings, brand: Brand) -> MailMetadata:
    """What samples of mails are rendered with: as real ones are, but that their links open no account's pages."""
    has_pages = "public_url" in settings.model_fields_set and settings.auth_secret is not None
    url = settings.public_url.rstrip("/") if has_pages else None
    links = Links(inbox_url=f"{url}/inbox", preferences_url=f"{url}/preferences") if url else Links()
    return MailMetadata(
        links=links,
        brand=brand,
        notification_id=SAMPLE_REFERENCE,
        mail_from=settings.mail_from,
        mail_domain=settings.mail_domain,
        date=SAMPLE_DATE,
    )


def _folder_of_words(folder: Path) -> Path:
    """Raises `ValueError` where it has no catalog: whoever names it expects its words in mails."""
    if not any(folder.glob("*.po")):
        raise ValueError(f"TENURE_WORDS_DIR: {folder} is not a folder with catalogs such as en.po")
    return folder
