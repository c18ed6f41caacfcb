"""Texts of typical length, which the service wrote for one of its customers."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import asyncpg
import orjson

from benchmarks.output import Output
from shared.contracts.topics import LIFECYCLE, STATE


@dataclass(frozen=True, slots=True)
class TypicalTexts:
    """What the bare loops write, as JSON."""

    lifecycle: str
    state: str
    subscription: str
    contact: str
    server_stamps: str
    specification: str

    @classmethod
    def read(cls, file: Path) -> "TypicalTexts":
        """From a file that `write` has written."""
        return cls(**orjson.loads(file.read_bytes()))

    def write(self, file: Path) -> None:
        """As JSON."""
        file.write_bytes(orjson.dumps(self))


async def typical_texts(connection: asyncpg.Connection, output: Output) -> TypicalTexts:
    """Of what a service has stored and published, what is of about the average length."""
    account = await connection.fetchrow(
        "SELECT contact, subscription FROM account WHERE subscription IS NOT NULL AND contact IS NOT NULL"
        " ORDER BY abs(length(subscription::text) - (SELECT avg(length(subscription::text)) FROM account)) LIMIT 1"
    )
    return TypicalTexts(
        lifecycle=_typical(output, LIFECYCLE),
        state=_typical(output, STATE),
        subscription=account["subscription"],
        contact=account["contact"],
        server_stamps=await connection.fetchval("SELECT marks FROM server LIMIT 1"),
        specification=await connection.fetchval(
            "SELECT specification FROM order_entry WHERE specification IS NOT NULL LIMIT 1"
        ),
    )


def _typical(output: Output, topic: str) -> str:
    values: list[bytes] = [record.value for record in output.records[topic]]
    average = fmean(map(len, values))
    return min(values, key=lambda value: abs(len(value) - average)).decode()
