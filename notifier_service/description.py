"""The notifier's AsyncAPI document: the registry's topics, and what each is for."""

from typing import Any, Final

from notifier_service.handlers import READS, SERVICE, WRITES
from shared.asyncapi import Channel, document
from shared.settings import Settings
from shared.topics import LIFECYCLE, NOTIFICATION_DEAD_LETTERS, OUTCOMES, TEST_CLOCK_SETTLED, wanted

_ABOUT: Final = {
    LIFECYCLE: "What happened to subscriptions, in order for each account.",
    OUTCOMES: "How each notification ended, and that an internal message was read. No address, no text.",
    NOTIFICATION_DEAD_LETTERS: "What the notifier could not read, as received; dead-letter-* headers say why.",
    TEST_CLOCK_SETTLED: "With the test clock on: that all which was due at an instant has been done.",
}


def describe(version: str, settings: Settings) -> dict[str, Any]:
    """The document for these settings."""
    used = [("receive", topic, contracts) for topic, contracts in READS.items()]
    used += [("send", topic, contracts) for topic, contracts in WRITES.items()]
    there = {topic.name for topic in wanted(list(_ABOUT), settings)}
    channels = [
        Channel(
            topic=topic,
            action=action,
            about=_ABOUT[topic],
            contracts=contracts,
            raw=None if contracts else "The record as it was received.",
        )
        for action, topic, contracts in used
        if topic in there
    ]
    return document(SERVICE, version, channels=tuple(channels), settings=settings)
