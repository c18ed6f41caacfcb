"""The operators' HTTP API of a person: what is stored of the one behind an account (R48)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel

from shared.contracts.fields import AccountId, described
from shared.contracts.scalars import Id
from shared.contracts.topics import DEAD_LETTERS
from shared.contracts.types import Contact, FurtherRecipient
from shared.kafka.dead_letters import readable_attributes
from shared.outbox.dead_letters import dead_letters_of
from shared.storage.database import Engine, snapshot
from shared.web.dead_letters import DESCRIPTION, MAX_DEAD_LETTERS, DeadLetterDocument, documents
from shared.web.operators import operators_router
from shared.web.problems import Problem
from subscription_service.storage import accounts, waiting

_MAX_WAITING: Final = 100


class PersonDocument(BaseModel):
    """What an erasure would take, apart from the history."""

    account_id: AccountId
    contact: Annotated[Contact | None, described("The account's contact; null where there is none.")]
    recipients: Annotated[Sequence[FurtherRecipient], described("Who else gets its emails (R52).")]
    waiting: Annotated[
        Sequence[Mapping[str, Any]], described("Events in that wait, whole, in order of arrival, at most 100.")
    ]
    dead_letters: Annotated[Sequence[DeadLetterDocument], described(DESCRIPTION)]


def router(engine: Engine) -> APIRouter:
    """`/api/accounts/{account_id}/person`."""
    made = operators_router("/api/accounts/{account_id}/person", "accounts", HTTPStatus.NOT_FOUND)

    @made.get("")
    async def person(account_id: Id) -> PersonDocument:
        """What is stored of the person behind the account (R48); 404 where nothing is known of it."""
        async with snapshot(engine) as connection:
            stored = await accounts.find_with_state(connection, account_id)
            found = await waiting.first_of_account(connection, account_id, limit=_MAX_WAITING)
            letters = await dead_letters_of(connection, DEAD_LETTERS, account_id, limit=MAX_DEAD_LETTERS)
        if stored is None and not found and not letters:
            raise Problem(HTTPStatus.NOT_FOUND, "There is no such account.")
        records = [each.event.record for each in found]
        return PersonDocument(
            account_id=account_id,
            contact=stored.account.contact if stored else None,
            recipients=stored.account.recipients.entries if stored else (),
            waiting=[readable_attributes(record.value, record.headers) for record in records],
            dead_letters=documents(letters),
        )

    return made
