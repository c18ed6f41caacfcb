"""The relay's text as an outcome may keep it: one line, short, and nothing of any email address. Pure.

Works in time proportional to the text. A word in which anything of an address may be is taken out whole: rather too
much than too little. So is a signed link of the mail, as filters name what they object to: it opens the inbox.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from html import unescape
from typing import Final

import idna

REASON_CHARACTERS: Final = 300
PLACEHOLDER: Final = "[address]"
_SIGNED: Final = re.compile(r"(?<=[?&;])(token|signature)=[\w.-]+")
"""What a link of ours is signed with; behind a `;` in HTML, where `&` is `&amp;`."""
_STATUS: Final = re.compile(r"#?[245]\.[0-9]{1,3}\.[0-9]{1,3}:?")
"""An enhanced status code (RFC 3463), which no address is."""
_IN_URLS: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_IN_MAILS: Final = re.compile(rb"[%+=]([0-9A-Fa-f]{2})")
"""Also the escapes of delivery notifications (xtext, RFC 3461) and of quoted-printable."""
_NESTED_ENCODINGS: Final = 3


def without_addresses(text: str, recipient: str = "") -> str:
    """`text` in one line of at most 300 characters, without control characters and addresses.

    Of `recipient`, local part and domain are taken out also where they stand alone.
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(printable.split()).replace(" @", "@").replace("@ ", "@")
    private = _parts(recipient) if recipient else ()
    kept, length = list[str](), 0
    for word in _words(line):
        kept.append(_redacted(word) if _is_private(word, private) else word)
        length += len(kept[-1]) + 1
        if length > REASON_CHARACTERS:
            break
    return " ".join(kept)[:REASON_CHARACTERS].rstrip()


def _words(line: str) -> Iterator[str]:
    """What blanks divide, but for blanks between double quotes: a local part may have some there."""
    quoted, start = False, 0
    for place, letter in enumerate(line):
        if letter == '"':
            quoted = not quoted
        elif letter == " " and not quoted:
            yield line[start:place]
            start = place + 1
    yield from [line[start:]] if '"' not in line[start:] or "@" in line[start:] else line[start:].split()


def _redacted(word: str) -> str:
    """The placeholder between the brackets and marks that stood around the word."""
    begin, end = len(word) - len(word.lstrip("<([{")), len(word.rstrip(">)]}:;,."))
    return f"{word[:begin]}{PLACEHOLDER}{word[end:]}"


def _is_private(word: str, private: Collection[str]) -> bool:
    if _STATUS.fullmatch(word):
        return False
    plain = _plain(word)
    return "@" in plain or bool(_SIGNED.search(plain)) or any(_has_word(plain, part) for part in private)


def _parts(address: str) -> frozenset[str]:
    """Local part (also without what comes after a `+`) and domain (also in its own script)."""
    local_part, _, domain = address.rpartition("@")
    local_part = local_part.strip('"')
    try:
        in_its_script = idna.decode(domain)
    except UnicodeError:
        in_its_script = domain
    parts = (local_part, local_part.partition("+")[0], domain, in_its_script)
    return frozenset(_folded(part) for part in parts if part)


def _plain(word: str) -> str:
    """A word without the encodings in which relays write addresses, such as `ada%40example.com`."""
    for _ in range(_NESTED_ENCODINGS):
        decoded = _without_escapes(unescape(word), _IN_URLS)
        if decoded == word:
            break
        word = decoded
    return f"{_folded(word)} {_folded(_without_escapes(word, _IN_MAILS))}".replace("\\", "")


def _without_escapes(word: str, escape: re.Pattern[bytes]) -> str:
    decoded = escape.sub(lambda match: bytes.fromhex(match[1].decode()), word.encode("utf-8", "replace"))
    return decoded.decode("utf-8", "replace")


def _folded(text: str) -> str:
    """Equal for what differs in case or in compatible characters only."""
    return unicodedata.normalize("NFKC", text).casefold()


def _has_word(text: str, word: str) -> bool:
    """Whether `word` is in `text` and no letter or digit stands beside it."""
    place = text.find(word)
    while place >= 0:
        before, after = text[place - 1 : place], text[place + len(word) : place + len(word) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        place = text.find(word, place + 1)
    return False
