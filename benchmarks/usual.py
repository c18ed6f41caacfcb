"""The usual way: a FastStream handler, a SQLModel session, a commit and a published message, for each message.

It decodes, loads the account and the server, changes them, commits, and publishes an event, as tutorials show it, with
none of the service's guarantees. `python -m benchmarks.usual`, with a service's environment.
"""

import asyncio
from typing import Any, Final

from faststream import FastStream
from faststream.kafka import KafkaBroker
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.servers import INPUTS
from shared.contracts.topics import LIFECYCLE
from shared.kafka.topics import name_of
from shared.runtime.settings import load

_GROUP: Final = "usual"


class Customer(SQLModel, table=True):
    """How many events of this account were seen, and the last one."""

    account_id: str = Field(primary_key=True)
    version: int = 0
    last_type: str = ""


class Machine(SQLModel, table=True):
    """A server of an account."""

    account_id: str = Field(primary_key=True)
    server_id: str = Field(primary_key=True)
    cores: int = 0


async def handle(session: AsyncSession, event: dict[str, Any]) -> dict[str, Any]:
    """Change the rows that the event is about; returns the event to publish."""
    data = event["data"]
    customer = await session.get(Customer, data["account_id"]) or Customer(account_id=data["account_id"])
    customer.version += 1
    customer.last_type = event["type"]
    session.add(customer)
    if "server_id" in data:
        identity = (data["account_id"], data["server_id"])
        machine = await session.get(Machine, identity) or Machine(account_id=identity[0], server_id=identity[1])
        machine.cores = data.get("cores", machine.cores)
        session.add(machine)
    event_out = {"account_id": customer.account_id, "version": customer.version, "cause": event["id"]}
    await session.commit()
    return event_out


def build(broker: KafkaBroker, engine: AsyncEngine, prefix: str) -> FastStream:
    """One handler for all topics."""
    settings = load()

    @broker.subscriber(
        *(name_of(topic, settings) for topic in INPUTS), group_id=f"{prefix}{_GROUP}", auto_offset_reset="earliest"
    )
    async def on_message(event: dict[str, Any]) -> None:
        async with AsyncSession(engine) as session:
            event_out = await handle(session, event)
        await broker.publish(event_out, name_of(LIFECYCLE, settings), key=event_out["account_id"].encode())

    return FastStream(broker)


async def _main() -> None:
    settings = load()
    engine = create_async_engine(
        make_url(settings.database_url.get_secret_value()).set(drivername="postgresql+asyncpg")
    )
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    broker = KafkaBroker(settings.kafka_bootstrap_servers)
    await build(broker, engine, settings.topic_prefix).run()


if __name__ == "__main__":
    asyncio.run(_main())
