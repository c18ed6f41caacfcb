"""Further recipients of an account's emails, and the event on `purchases` that names them (R52)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from shared.contracts.fields import AccountId, described
from shared.contracts.lifecycle import LIFECYCLE_EVENTS, kind_of
from shared.contracts.types import FurtherRecipient

MAX_RECIPIENTS: Final = 20
KINDS: Final = frozenset(map(kind_of, LIFECYCLE_EVENTS))
"""What a recipient can choose from: the short names of all lifecycle types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientsChanged:
    """Another list of further recipients replaces the account's (R52).

    No two have one id, or one address (in upper or lower case).
    """

    account_id: AccountId
    recipients: Annotated[
        tuple[FurtherRecipient, ...],
        Field(max_length=MAX_RECIPIENTS),
        described(f"The whole list, at most {MAX_RECIPIENTS}; empty where nobody but the contact is written to."),
    ]

    def __post_init__(self) -> None:
        _check_unlike("recipient_id", (each.recipient_id for each in self.recipients))
        _check_unlike("email", (each.email.strip().casefold() for each in self.recipients))
        for each in self.recipients:
            if unknown := sorted(set(each.kinds or ()) - KINDS):
                raise ValueError(f"recipients: {unknown[0]!r} is not a kind of notification")


def _check_unlike(name: str, values: Iterable[str]) -> None:
    """Raises `ValueError`; without the value, since an address is nobody else's business."""
    if any(count > 1 for count in Counter(values).values()):
        raise ValueError(f"recipients: expected no {name} twice")


RECIPIENT_EVENTS: Final[Mapping[str, type[Any]]] = {"tenure.account.recipients_changed.v1": RecipientsChanged}
"""Type -> contract."""
