"""What the page shows: in every state, with everything escaped."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, OUTCOMES, STATE
from shared.runtime.settings import Settings
from subscription_service.policy_files.rules import load_rules
from tenure.dead_letters import stored_dead_letter
from tenure.ops import page
from tenure.ops.broker import topics_read
from tenure.ops.model import Model
from tenure.ops.overview import View
from tenure.ops.renewals import Outlook
from tenure.ops.status import PartitionLag, Status
from tenure.ops.stored_dead_letter import ReadableDeadLetter, text_of
from tests.unit.ops.records import ESTIMATES, NOW_MS, Topics, lifecycle, outcome, state

NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
TODAY = "2026-12-23"
RULES = load_rules(Settings())


def view(model: Model | None = None, status: Status | None = None) -> View:
    return View(model or Model.empty(ESTIMATES), status or live(), RULES, NOW, topics_read(Settings()))


def live() -> Status:
    status = Status()
    status.hear(NOW, behind=0, to_read=0)
    return status


def test_an_empty_page_says_in_each_part_that_there_is_nothing() -> None:
    shown = page.sections(view())
    assert "No account is known yet" in shown["states"]
    assert "No order was refused" in shown["refusals"]
    assert "No mail was sent" in shown["mails"]
    assert "no dead letter" in shown["dead_letters"]
    assert "Up to date" in shown["status"]


def test_a_page_that_has_not_heard_of_the_broker_says_so() -> None:
    assert "Starting" in page.sections(view(status=Status()))["status"]


def test_a_page_that_reads_says_how_far_it_is() -> None:
    status = Status()
    status.hear(NOW, behind=600, to_read=1000)
    assert "Reading the topics</b>, 40 % so far" in page.sections(view(status=status))["status"]


def test_a_stale_page_says_since_when() -> None:
    status = live()
    status.lose("Kafka: ConnectionError", datetime(2026, 12, 1, 8, 0, 1, tzinfo=UTC))
    status.lose("Kafka: TimeoutError", datetime(2026, 12, 1, 9, tzinfo=UTC))
    shown = page.sections(view(status=status))["status"]
    assert "does not answer</b> since 2026-12-01 08:00:01 UTC" in shown
    assert "The numbers are those of then" in shown
    status.hear(NOW, behind=0, to_read=0)
    assert "Up to date" in page.sections(view(status=status))["status"]


def test_topics_that_are_missing_and_records_that_cannot_be_read_are_named() -> None:
    topics = Topics()
    topics.put(LIFECYCLE, b"?")
    status = live()
    status.missing = ["notification-outcomes"]
    shown = page.sections(view(topics.model, status))["status"]
    assert "notification-outcomes" in shown
    assert "subscription-lifecycle 1" in shown


def test_the_calendar_begins_today_and_has_thirty_days() -> None:
    topics = Topics()
    for number, day in enumerate(("2026-12-22", TODAY, "2027-01-21", "2027-01-22")):
        topics.put(STATE, state(f"acct-{number}", expires_on=day, balance="0.00"))
    seen = view(topics.model)
    days = seen.calendar()
    assert [str(days[0].day), str(days[-1].day), len(days)] == [TODAY, "2027-01-21", 30]
    assert [len(day.bars) for day in days] == [1, *[0] * 28, 1]
    sums = {one.label: (one.text, one.note) for one in seen.at_stake()}
    assert sums["balance too low"] == ("295.00", "2 accounts")
    assert sums["renews by itself"] == ("0.00", "0 accounts")
    assert days[0].href == f"/ops/accounts?state=active&expires_from={TODAY}&expires_to={TODAY}"
    assert days[0].sums[Outlook.SHORT].accounts == 1


def test_with_the_test_clock_the_calendar_begins_where_it_stands() -> None:
    stands = replace(view(), test_clock=datetime(2026, 3, 30, 16, tzinfo=UTC))
    assert str(stands.calendar()[0].day) == "2026-03-31"
    assert "the test clock stands at 2026-03-30 16:00 UTC" in page.sections(stands)["status"]


def test_every_number_explains_itself_and_leads_to_a_list() -> None:
    seen = view()
    for one in (*seen.states(), *seen.troubles(), *seen.at_stake()):
        assert one.why.endswith(".")
        assert one.href.startswith("/ops/accounts?")


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_nothing_from_a_topic_is_taken_for_html(evil: str) -> None:
    topics = Topics()
    topics.put(LIFECYCLE, lifecycle("order_rejected", evil, code=evil))
    topics.put(OUTCOMES, outcome("suppressed", evil, channel="email", reason=evil))
    topics.put(
        DEAD_LETTERS, b"?", headers=[("dead-letter-reason", evil.encode()), ("dead-letter-detail", evil.encode())]
    )
    status = live()
    status.lags = [PartitionLag("subscription", evil, 0, committed=None, begin=0, end=3)]
    shown = page.overview_page(view(topics.model, status), charts=True)
    shown += page.list_page("refusals.html", rows=topics.model.latest.rejections, code=evil, status=status, now=NOW)
    shown += page.list_page("mails.html", rows=topics.model.latest.mails, outcome=evil, status=status, now=NOW)
    shown += page.list_page(
        "dead_letters.html", rows=topics.model.latest.dead_letters, reason=evil, status=status, now=NOW
    )
    shown += page.list_page(
        "lag.html", view=view(topics.model, status), rates=topics.model.rates, status=status, now=NOW
    )
    shown += page.login_page(evil)
    assert "<script>alert" not in shown
    assert "<img" not in shown


def test_a_dead_letter_is_shown_as_it_was_received_unless_its_person_was_forgotten() -> None:
    record = Topics().put(
        DEAD_LETTERS, b'{"a": "<b>"}', headers=[("mine", b"\xff<i>"), ("dead-letter-reason", b"invalid_data")]
    )
    dead_letter = stored_dead_letter(record, DEAD_LETTERS)
    found = ReadableDeadLetter(dead_letter=dead_letter, text=text_of(dead_letter.value), cut=False)
    given = {"found": found, "dead_letter": dead_letter, "status": live(), "now": NOW}
    shown = page.list_page("dead_letter.html", **given, forgotten=False)
    assert "&#34;a&#34;: &#34;&lt;b&gt;&#34;" in shown
    assert "\\xff&lt;i&gt;" in shown
    assert "&lt;b&gt;" not in page.list_page("dead_letter.html", **given, forgotten=True)


def test_no_style_and_no_script_stands_in_the_page_itself() -> None:
    shown = page.overview_page(view(), charts=True)
    assert " style=" not in shown
    assert " on" not in {part[:3] for part in shown.split("<a")}
    assert shown.count("<script") == shown.count("<script src=") == 2
    assert "//" not in shown.replace("http://www.w3.org/2000/svg", "")
