"""The operators' HTTP of a person: what the notifier has stored of the one behind an account (R48).

Decisions, messages and preferences have pages of their own.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from notifier_service.storage import recipients
from shared.contracts.fields import AccountId, described
from shared.contracts.scalars import Id
from shared.contracts.topics import NOTIFICATION_DEAD_LETTERS
from shared.contracts.types import Contact, FurtherRecipient
from shared.outbox.dead_letters import dead_letters_of
from shared.storage.database import Engine, snapshot
from shared.web.dead_letters import DESCRIPTION, MAX_DEAD_LETTERS, DeadLetterDocument, documents
from shared.web.operators import operators_router
from shared.web.problems import Problem


class RecipientDocument(BaseModel):
    """What an erasure would take, apart from messages, preferences and emails that wait."""

    account_id: AccountId
    contact: Annotated[Contact | None, described("To whom emails go; null where nobody is known.")]
    recipients: Annotated[Sequence[FurtherRecipient], described("Who else emails go to (R52).")]
    dead_letters: Annotated[Sequence[DeadLetterDocument], described(DESCRIPTION)]


def router(engine: Engine) -> APIRouter:
    """`/api/accounts/{account_id}/person`."""
    made = operators_router("/api/accounts/{account_id}/person", "operators", HTTPStatus.NOT_FOUND)

    @made.get("")
    async def person(account_id: Id) -> RecipientDocument:
        """What is stored of the person behind the account (R48); 404 where nothing is known of it."""
        async with snapshot(engine) as connection:
            known = (await recipients.load(connection, [account_id])).get(account_id)
            letters = await dead_letters_of(connection, NOTIFICATION_DEAD_LETTERS, account_id, limit=MAX_DEAD_LETTERS)
        if known is None and not letters:
            raise Problem(HTTPStatus.NOT_FOUND, "There is no such account.")
        return RecipientDocument(
            account_id=account_id,
            contact=known.contact if known else None,
            recipients=known.further if known else (),
            dead_letters=documents(letters),
        )

    return made
