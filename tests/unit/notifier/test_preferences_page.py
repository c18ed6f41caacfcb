"""The form of `/preferences`: what is not ticked is switched off, and only what was changed is changed."""

from urllib.parse import urlencode

import pytest

from notifier_service.decisions.channels import CHANNELS
from notifier_service.decisions.preferences import Preferences, may_be_muted, with_changes
from notifier_service.pages.preferences import all_but, read_form
from shared.contracts.outcomes import Channel

EVERYTHING = [f"{kind}:{channel}" for kind, channels in CHANNELS.items() for channel in channels]
RENEWED = ("renewed", Channel.EMAIL)
EXTENDED = ("extended", Channel.EMAIL)


def wanted(*on: str) -> Preferences:
    return read_form(urlencode([("on", each) for each in on])).wanted


def switched_off(*pairs: tuple[str, Channel]) -> Preferences:
    return Preferences(frozenset(pairs))


def test_with_everything_ticked_nothing_is_switched_off() -> None:
    assert wanted(*EVERYTHING) == switched_off()


def test_what_is_not_ticked_is_switched_off_and_what_is_unknown_counts_for_nothing() -> None:
    ticked = [each for each in EVERYTHING if each != "renewed:email"]
    assert wanted(*ticked, "no_such_kind:email", "renewed:pigeon") == switched_off(RENEWED)
    other_field = urlencode([("off", "renewed:email"), *(("on", each) for each in ticked)])
    assert read_form(other_field).wanted == switched_off(RENEWED)


def test_an_empty_form_switches_everything_off() -> None:
    assert len(wanted().muted) == len(EVERYTHING)


def test_a_form_says_how_it_was_shown_also_where_everything_was_off() -> None:
    assert read_form("on=renewed%3Aemail").shown is None
    assert read_form("was_on=renewed%3Aemail+extended%3Aemail").shown == all_but(["renewed:email", "extended:email"])
    assert read_form("was_on=").shown == all_but([])


def test_what_was_switched_off_after_the_page_was_loaded_stays_off_unless_it_was_ticked_there() -> None:
    nothing = switched_off()
    assert with_changes(switched_off(RENEWED), shown=nothing, wanted=nothing) == switched_off(RENEWED)
    changed = with_changes(switched_off(RENEWED), shown=nothing, wanted=switched_off(EXTENDED))
    assert changed == switched_off(RENEWED, EXTENDED)
    assert with_changes(switched_off(RENEWED), shown=switched_off(RENEWED), wanted=nothing) == nothing


def test_what_was_switched_on_after_the_page_was_loaded_stays_on_unless_it_was_unticked_there() -> None:
    off = switched_off(RENEWED)
    assert with_changes(switched_off(), shown=off, wanted=off) == switched_off()
    assert with_changes(switched_off(), shown=switched_off(), wanted=off) == off


@pytest.mark.rule("R52")
@pytest.mark.parametrize(
    ("kind", "may"), [("renewed", True), ("order_rejected", True), ("renewal_due", False), ("contact_changed", False)]
)
def test_only_emails_that_keep_no_channel_have_an_unsubscribe_link(kind: str, *, may: bool) -> None:
    assert may_be_muted(kind) is may
