"""The internal message for a reader whose emails have stopped, since one came back or was called spam. Pure."""

from notifier_service.content.localizer import Localizer
from notifier_service.content.render import InboxText
from notifier_service.decisions.bounce import BounceKind


def bounce_message(kind: BounceKind, address: str, localizer: Localizer) -> InboxText:
    """What happened, what follows, and how emails come again; `address` is masked. `kind`: hard or complaint."""
    key = f"email_{kind.outcome}"
    paragraphs = (localizer.text(f"{key}.lead", address=address), localizer.text(f"{key}.advice"))
    return InboxText(localizer.text(f"{key}.title"), "\n\n".join(paragraphs), None)
