"""The internal message for a reader whose emails have stopped, since one came back or was called spam. Pure."""

from notifier_service.content.localizer import Localizer
from notifier_service.content.render import InboxText
from notifier_service.decisions.bounce import BounceKind
from notifier_service.decisions.recipient import AddressOwner


def bounce_message(kind: BounceKind, address: str, localizer: Localizer, owner: AddressOwner) -> InboxText:
    """What happened, what follows, and how emails come again; `address` is masked. `kind`: hard or complaint.

    `owner`: whose address it is, for the contact, who reads this.
    """
    key = f"email_{kind.outcome}"
    whose = key if owner is AddressOwner.CONTACT else f"{key}.{owner}"
    paragraphs = (localizer.text(f"{key}.lead", address=address), localizer.text(f"{whose}.advice"))
    return InboxText(localizer.text(f"{whose}.title"), "\n\n".join(paragraphs), None)
