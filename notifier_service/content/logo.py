"""The logo at the top of a mail: which pictures mail programs show, and how large one is drawn. Pure.

It is sent along with each mail, so that nothing has to be loaded: hence the bound on its bytes.
"""

from dataclasses import dataclass
from typing import Final

LOGO_BYTES: Final = 65_536
"""The logo's file."""
_HEIGHT: Final = 36
_WIDTH: Final = 220
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND\xaeB`\x82"
_JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG file behind which its size stands; the three between them are tables."""
_JPEG_BARE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers that nothing belongs to."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture of the type `image/<subtype>`; `width` and `height` are pixels in which a mail draws it."""

    content: bytes
    subtype: str
    width: int
    height: int


def logo(content: bytes) -> Logo:
    """The logo in a file. Raises `ValueError` for what no mail should carry."""
    if len(content) > LOGO_BYTES:
        raise ValueError(f"has {len(content):,} bytes; each mail carries it, so that {LOGO_BYTES:,} are allowed")
    for subtype, size_of in (("png", _png_size), ("gif", _gif_size), ("jpeg", _jpeg_size)):
        if (size := size_of(content)) and all(size):
            return Logo(content, subtype, *_drawn(*size))
    raise ValueError("is not a whole picture in PNG, JPEG or GIF, which are what mail programs show")


def _drawn(width: int, height: int) -> tuple[int, int]:
    """The size in a mail: as it is where it has room, else smaller, with its proportions kept."""
    scale = min(1.0, _WIDTH / width, _HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _png_size(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(_PNG) or not content.endswith(_PNG_END):
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _gif_size(content: bytes) -> tuple[int, int] | None:
    if not content.startswith((b"GIF87a", b"GIF89a")) or not content.endswith(b";"):
        return None
    return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """A JPEG file is a row of segments, each a marker and its length; one of them has the size."""
    if not content.startswith(b"\xff\xd8\xff") or not content.rstrip(b"\0").endswith(b"\xff\xd9"):
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _JPEG_SIZES:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        fill_or_bare = marker == 0xFF or marker in _JPEG_BARE
        at += (1 if marker == 0xFF else 2) if fill_or_bare else 2 + int.from_bytes(content[at + 2 : at + 4])
    return None
