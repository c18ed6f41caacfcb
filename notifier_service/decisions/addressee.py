"""To whom one email goes: the account's contact, or one of its further recipients (R52). Pure data."""

from dataclasses import dataclass

from shared.contracts.types import Contact


@dataclass(frozen=True, slots=True)
class Addressee:
    """`recipient_id`: of a further recipient; None for the account's contact."""

    recipient_id: str | None
    contact: Contact
