"""A disk that has damaged what lies on it: a batch in the broker's own file, changed in place."""

from pathlib import Path

from aiokafka.record.util import calc_crc32c

_SUM_AT, _SUMMED_FROM, _CODEC_AT = 17, 21, 22


def damage(kafka_folder: Path, topic: str, value: bytes, *, partition: int = 0, rightly_summed: bool) -> None:
    """Change the batch that holds this value: its content, or, where its checksum is to be right, its codec to one that
    nobody knows. The broker may run: only a few bytes are overwritten, and it looks at none of them.
    """
    (segment,) = (kafka_folder / "data" / f"{topic}-{partition}").glob("*.log")
    content = segment.read_bytes()
    start = 0
    while value not in content[start : (end := start + 12 + int.from_bytes(content[start + 8 : start + 12], "big"))]:
        start = end
    batch = bytearray(content[start:end])
    if rightly_summed:
        batch[_CODEC_AT] |= 0x07
        batch[_SUM_AT:_SUMMED_FROM] = calc_crc32c(bytes(batch[_SUMMED_FROM:])).to_bytes(4, "big")
    else:
        batch[batch.index(value)] ^= 0xFF
    with segment.open("r+b") as file:
        file.seek(start)
        file.write(batch)
