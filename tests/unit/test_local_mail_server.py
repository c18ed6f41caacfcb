"""What the local mail server replies where it cannot keep a mail."""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tenure.local.mail_server import Receiver
from tenure.local.mailbox import Behaviours, Mail, Mailbox


class FullDisk(Mailbox):
    """Has room for nothing."""

    def add(self, mail_from: str, rcpt_to: Sequence[str], content: bytes) -> Mail:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("mailbox", "reply"), [(FullDisk, "452 4.3.1 No space left"), (Mailbox, "250 OK queued as ")])
async def test_a_mail_for_which_the_disk_has_no_room_is_to_be_tried_again(
    tmp_path: Path, mailbox: type[Mailbox], reply: str
) -> None:
    envelope: Any = Envelope()
    envelope.mail_from, envelope.rcpt_tos, envelope.original_content = "a@example.org", ["b@example.org"], b"\r\n"
    receiver = Receiver(mailbox(tmp_path), Behaviours())
    assert (await receiver.handle_DATA(cast(SMTP, None), cast(Session, None), envelope)).startswith(reply)
