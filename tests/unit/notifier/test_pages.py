"""The recipient's pages: nothing from outside runs, the script is small, and addresses keep what was asked for."""

import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from notifier_service.inbox.shapes import InboxQuery
from notifier_service.pages import layout
from notifier_service.pages.inbox_view import Addresses, message_view
from notifier_service.pages.layout import PageAssets, assets, html_page
from notifier_service.storage.messages import InboxMessage
from tests.unit.notifier import samples

SCRIPT = Path(layout.__file__).parent / "assets" / "inbox.js"
MESSAGE = InboxMessage(
    number=1,
    message_id="ntf-1",
    kind="expired",
    title="<script>alert(1)</script>",
    body="First\n\nLabel: value\nLabel: value",
    link=None,
    created_at=datetime(2026, 11, 26, 16, tzinfo=UTC),
    read_at=None,
    archived_at=None,
)


def test_our_own_script_is_at_most_eight_kilobytes() -> None:
    assert SCRIPT.stat().st_size <= 8 * 1024


def test_a_page_lets_in_its_own_style_and_script_and_nothing_else() -> None:
    answer = html_page("ended.html", samples.localizer("en"), {"hours": 24}, inside=PageAssets(scripts=("inbox.js",)))
    html, policy = bytes(answer.body).decode(), answer.headers["content-security-policy"]
    style, script = (re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", html, re.DOTALL) for tag in ("style", "script"))
    for (inside,) in (style, script):
        assert b64encode(sha256(inside.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
    assert "unsafe" not in policy
    assert (
        "script-src"
        not in html_page("ended.html", samples.localizer("en"), {"hours": 1}).headers["content-security-policy"]
    )


def test_nothing_in_our_assets_ends_the_element_that_it_is_written_into() -> None:
    for path in SCRIPT.parent.iterdir():
        assert not re.search(r"</(style|script)", assets(path.name), re.IGNORECASE), path


@pytest.mark.parametrize(("language", "stamp"), [("en", "Nov 27, 2026 00:00"), ("zh-CN", "2026年11月27日 00:00")])
def test_a_message_has_its_readers_time(language: str, stamp: str) -> None:
    view = message_view(MESSAGE, samples.localizer(language, "Asia/Shanghai"))
    assert (view.stamp, view.unread, view.archived, view.urgent) == (stamp, True, False, True)
    assert view.paragraphs == ["First", "Label: value\nLabel: value"]
    assert len(view.times) == 1


def test_addresses_keep_what_was_asked_for() -> None:
    query = InboxQuery(kind="renewed", search="a&b", before="ntf-9")
    addresses = Addresses("https://tenure.example/below", query)
    assert addresses.page(archived=True) == "https://tenure.example/below/inbox?archived=1&kind=renewed&search=a%26b"
    assert addresses.act("inbox/read-all").endswith("/inbox/read-all?kind=renewed&search=a%26b&before=ntf-9")
    assert Addresses("", InboxQuery()).page() == "/inbox"
