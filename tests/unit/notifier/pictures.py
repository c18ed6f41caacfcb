"""Small pictures as files: the smallest that each format allows, with the size that a test wants."""

import zlib


def png(width: int = 2, height: int = 1, *, colour: bytes = b"\x0b\x5f\xff") -> bytes:
    """A picture of one colour."""
    header = width.to_bytes(4) + height.to_bytes(4) + bytes((8, 2, 0, 0, 0))
    rows = (b"\0" + colour * width) * height
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def gif(width: int = 2, height: int = 1) -> bytes:
    return b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\0\0\0;"


def jpeg(width: int = 2, height: int = 1) -> bytes:
    """Header, a table, and the segment with the size behind them, as cameras write them; without the picture itself."""
    start = b"\xff\xd8\xff\xe0" + (16).to_bytes(2) + b"JFIF\0" + bytes(9)
    table = b"\xff\xff\xc4" + (4).to_bytes(2) + bytes(2)
    size = b"\xff\xc0" + (11).to_bytes(2) + b"\x08" + height.to_bytes(2) + width.to_bytes(2) + bytes(4)
    return start + table + size + b"\xff\xd9"


def _chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)
