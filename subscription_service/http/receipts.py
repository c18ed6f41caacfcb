"""The operators' HTTP API of receipts: what became of records whose sender asked."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from shared.contracts.scalars import Id
from shared.storage import stored_positions
from shared.storage.database import Engine, snapshot
from shared.storage.stored_positions import Partition
from shared.web.operators import operators_router
from subscription_service.http import shapes
from subscription_service.storage import receipts

_PER_PAGE: Final = 1000


def router(engine: Engine) -> APIRouter:
    """`/api/receipts/{receipt_id}`."""
    made = operators_router("/api/receipts", "receipts")

    @made.get("/{receipt_id}")
    async def of_partition(
        receipt_id: Id,
        topic: Annotated[str, Query(max_length=200, description="The topic, without prefix.")],
        partition: Annotated[int, Query(ge=0, le=2**31 - 1)],
        after: Annotated[int, Query(ge=-1, le=2**62, description="Only records with a higher offset.")] = -1,
    ) -> shapes.Receipts:
        """What became of the records of one partition that ask with this id, by offset, at most 1,000."""
        async with snapshot(engine) as connection:
            place = Partition(topic, partition)
            found = await receipts.of_partition(connection, receipt_id, place, after=after, limit=_PER_PAGE)
            next_offset = await stored_positions.next_offset(connection, place)
        documents = [shapes.ReceiptDocument.of(receipt) for receipt in found]
        return shapes.Receipts(receipts=documents, next_offset=next_offset)

    return made
