"""The generated parts of `docs/contract.md`: topics, events and types, codes of refusals, kinds of notification.

Examples: `shared/contracts/examples`. `tests/pages.py` puts the sections into the page.
"""

from collections.abc import Mapping

from notifier_service.decisions.channels import CHANNELS, PROTECTED
from notifier_service.decisions.outdated import OVERTAKEN_BY, OVERTAKEN_BY_ITS_ORDER
from shared.contracts import reference
from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.outcomes import Channel
from shared.contracts.reference import table
from shared.web.examples import examples
from subscription_service.domain.refusals import SENTENCES


def sections() -> Mapping[str, str]:
    """Name -> Markdown of every generated section of the page."""
    return {
        **reference.sections(examples()),
        "codes of refusals": _codes(),
        "kinds of notification": _kinds(),
    }


def _codes() -> str:
    rows = [(f"`{code.value}`", _shown(SENTENCES[code])) for code in RejectionCode]
    return table(("code", "sentence"), rows)


def _shown(sentence: str) -> str:
    """With the names of the values where they are filled in."""
    return sentence.replace("{", "*").replace("}", "*")


def _kinds() -> str:
    rows = [
        (
            f"`{kind}`",
            _yes(Channel.EMAIL in channels),
            _yes(Channel.INBOX in channels),
            _yes(kind in PROTECTED),
            _overtaken(kind),
        )
        for kind, channels in CHANNELS.items()
    ]
    return table(("kind", "email", "inbox", "keeps a channel", "suppressed after a later … with the reason"), rows)


def _overtaken(kind: str) -> str:
    later = [f"`{later}` → `{reason}`" for later, reason in OVERTAKEN_BY.get(kind, {}).items()]
    of_order = OVERTAKEN_BY_ITS_ORDER.get(kind, {})
    return ", ".join([*later, *(f"`{later}` of its order → `{reason}`" for later, reason in of_order.items())])


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
