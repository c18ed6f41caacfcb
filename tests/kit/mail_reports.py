"""Reports of mail that came back, as Postfix, Exim, Amazon SES and Gmail write them: the files in `reports`.

They are written after the public formats (RFC 3464, RFC 5965); `IDENTITY` stands where a server repeats the envelope
sender or `ENVID`, `NOTIFICATION` for the id in the headers of the mail.
"""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "reports"
NAMES: Final = tuple(sorted(path.stem for path in _FOLDER.glob("*.eml")))


def report(name: str, *, notification_id: str, mac: str) -> bytes:
    """The report about this notification, with line breaks as they come over SMTP."""
    text = (_FOLDER / f"{name}.eml").read_text("utf-8")
    filled = text.replace("IDENTITY", f"{notification_id}.{mac}").replace("NOTIFICATION", notification_id)
    return filled.replace("\n", "\r\n").encode()
