"""A contact's name as mails show it. Pure.

Mail programs turn text into links by themselves, so that a name such as `t.me/prize` would be a stranger's link in our
mail. They do it for words that end in a top-level domain: for `monday.com`, not for `Md.Rahman`.
"""

import re
import unicodedata
from functools import cache
from typing import Final

import idna
import regex
from linkify_it import LinkifyIt
from linkify_it.tlds import TLDS

NAME_LENGTH: Final = 64
"""In graphemes: letters with their accents, whole emoji."""
JOINERS: Final = "\u200c\u200d"
"""Zero-width (non-)joiners: invisible, but part of Persian and Indic words and of emoji."""
_CUT: Final = regex.compile(rf"\X{{0,{NAME_LENGTH}}}")
_DOT: Final = re.compile(r"([.。．｡․])(?=\S)")
_INVISIBLE: Final = re.compile(f"[{JOINERS}\u034f\ufe00-\ufe0f]")
_ALWAYS_A_LINK: Final = re.compile(r"[/\\]{2}|\w@\w|\bwww\.|(\d[\s().-]{0,2}){7}", re.IGNORECASE)
"""Schemes and shares, addresses, host names, and telephone numbers."""


def display_name(name: str) -> str:
    """A name on one line of at most `NAME_LENGTH` graphemes, never a link.

    A name that would become one by its top-level domain gets blanks after its dots (`Wei. Li`). Empty where it is a
    link with a path, an address, a telephone number, or a sentence with a link.
    """
    short: str = _CUT.match(one_line(name))[0].rstrip()
    links = _links(short)
    if not links:
        return short
    apart = _DOT.sub(r"\1 ", short)
    is_name = not any("/" in link for link in links) and not _is_sentence(short)
    return apart if is_name and not has_link(apart) else ""


def has_link(text: str) -> bool:
    """Whether mail programs would make a link of something in this text, a telephone number included."""
    return bool(_links(text))


def one_line(text: str) -> str:
    """Text without line breaks, control characters and direction marks; each becomes a blank, and many become one."""
    shown = "".join(letter if letter.isprintable() or letter in JOINERS else " " for letter in text)
    return " ".join(shown.split())


def _links(text: str) -> list[str]:
    """What would become a link, compared without invisible characters and with every kind of full stop as a dot."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).replace("。", ".")
    if found := _ALWAYS_A_LINK.search(plain):
        return [f"//{found[0]}"]
    return [match.text for match in _linkify().match(plain) or ()]


def _is_sentence(text: str) -> bool:
    """Whether words in lower case stand around a link (`click evil.com now`); a name has capitals or is one word."""
    words = text.split()
    return len(words) > 1 and any(word.islower() for word in words)


@cache
def _linkify() -> LinkifyIt:
    decoded = [idna.decode(domain.lower()) for domain in TLDS if domain.startswith("XN--")]
    return LinkifyIt(options={"fuzzy_ip": True}).tlds([*TLDS, *decoded])
