"""Gettext catalogs: the sentences of one language, read with Babel from `<language>.po`; at start, never later.

A catalog is monolingual: `msgid` is the key of a sentence (`when.tomorrow`), `msgstr` the sentence, with placeholders
in braces as `str.format` fills them. A sentence with a number has as many plural forms as the catalog's `Plural-Forms`
announces. As everywhere in gettext, an entry that is empty or marked fuzzy counts as not translated.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, PoFileParser

from notifier_service.content.languages import BadCatalog, Languages, Sentence, Sentences, languages, placeholders

CATALOGS: Final = Path(__file__).parent / "locale"
_LINE: Final = re.compile(r'(#.*|([a-z_]+(\[\d+\])? +)?"([^"\\]|\\.)*")?')
"""A line of a catalog; Babel would cut a text without its quotes."""
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TRIED_COUNTS: Final = range(201)


def load_languages(*folders: Path) -> Languages:
    """The languages of `locale/`; catalogs of further folders override single sentences or add a language.

    Raises `BadCatalog`, `OSError`.
    """
    return languages([*_shipped(), *(catalog for folder in folders for catalog in _catalogs(folder))])


@cache
def _shipped() -> Sequence[tuple[str, Sentences]]:
    """Those of `locale/`, which stay as they are while a program runs."""
    return _catalogs(CATALOGS)


def _catalogs(folder: Path) -> Sequence[tuple[str, Sentences]]:
    """Tag and sentences of each file. Raises `BadCatalog`, `OSError`."""
    return [(path.stem.replace("_", "-"), read_catalog(path)) for path in sorted(folder.glob("*.po"))]


def read_catalog(path: Path) -> Sentences:
    """The sentences of one file. Raises `BadCatalog`, `OSError`."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadCatalog(f"{path}: the file is not UTF-8") from None
    catalog = _parse(path, lines)
    form_for = _plural_rule(path, catalog)
    messages = [message for message in catalog if message.id and not message.fuzzy and any(_forms(message))]
    problems = [
        f"{path}:{message.lineno}: {_key(message)}: {fault}" for message in messages for fault in _faults(message)
    ]
    if problems:
        raise BadCatalog("\n".join(problems))
    return {
        _key(message): Sentence(_forms(message), form_for if message.pluralizable else None, f"{path}:{message.lineno}")
        for message in messages
    }


class _StrictCatalog(Catalog):
    """Refuses a key that stands twice; Babel would drop the second sentence."""

    def __setitem__(self, id: str | list[str] | tuple[str, ...], message: Message) -> None:  # noqa: A002 - Babel's signature
        if message.id and (first := self.get(message.id)):
            again = (message.lineno or 1) - 1
            raise PoFileError(f"{_key(message)}: the key stands in line {first.lineno} already", self, "", again)
        super().__setitem__(id, message)


def _parse(path: Path, lines: list[str]) -> Catalog:
    for number, line in enumerate(lines, 1):
        if not _LINE.fullmatch(line.strip()):
            raise BadCatalog(f'{path}:{number}: expected a comment, or a keyword such as msgid and a text in "quotes"')
    catalog = _StrictCatalog()
    try:
        PoFileParser(catalog, ignore_obsolete=True, abort_invalid=True).parse(lines)
    except PoFileError as error:
        raise BadCatalog(f"{path}:{error.lineno + 1}: {str(error).rpartition(' on ')[0]}") from None
    except (AttributeError, IndexError, LookupError, ValueError) as error:  # Babel reads the header unchecked
        raise BadCatalog(f"{path}: the header cannot be read: {error}") from None
    return catalog


def _plural_rule(path: Path, catalog: Catalog) -> Callable[[int], int]:
    """The catalog's `Plural-Forms` as a function from number to index. Raises `BadCatalog`."""
    try:
        form_for = c2py(catalog.plural_expr)
        if all(0 <= form_for(count) < catalog.num_plurals for count in _TRIED_COUNTS):
            return form_for
    except (ValueError, ZeroDivisionError):
        pass
    raise BadCatalog(f"{path}: Plural-Forms: expected such as 'nplurals=2; plural=(n != 1);'")


def _faults(message: Message) -> Iterator[str]:
    """What is wrong with one entry by itself."""
    if message.context:
        yield "msgctxt is not used here"
    for form in _forms(message):
        if not form:
            yield "a plural form is missing"
        elif form.isspace():
            yield "the text is blank"
        if _CONTROL.search(form):
            yield "the text has a line break or a control character"
        try:
            placeholders(form)
        except ValueError as error:
            yield f"the braces do not match: {error}"


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]
