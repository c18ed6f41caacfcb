"""The form of `/preferences`: what is not ticked is switched off."""

from urllib.parse import urlencode

import pytest

from notifier_service.decisions.channels import CHANNELS
from notifier_service.decisions.preferences import may_be_muted
from notifier_service.pages.preferences import preferences_of
from shared.contracts.outcomes import Channel

EVERYTHING = [("on", f"{kind}:{channel}") for kind, channels in CHANNELS.items() for channel in channels]


def test_with_everything_ticked_nothing_is_switched_off() -> None:
    assert preferences_of(urlencode(EVERYTHING)).muted == frozenset()


def test_what_is_not_ticked_is_switched_off_and_what_is_unknown_counts_for_nothing() -> None:
    ticked = [pair for pair in EVERYTHING if pair[1] != "renewed:email"]
    unknown = [("on", "no_such_kind:email"), ("off", "renewed:email"), ("on", "renewed:pigeon")]
    assert preferences_of(urlencode([*ticked, *unknown])).muted == {("renewed", Channel.EMAIL)}


def test_an_empty_form_switches_everything_off() -> None:
    assert len(preferences_of("").muted) == len(EVERYTHING)


@pytest.mark.rule("R52")
@pytest.mark.parametrize(
    ("kind", "may"), [("renewed", True), ("order_rejected", True), ("renewal_due", False), ("contact_changed", False)]
)
def test_only_emails_that_keep_no_channel_have_an_unsubscribe_link(kind: str, *, may: bool) -> None:
    assert may_be_muted(kind) is may
