"""Options that several commands have, as types for Typer."""

from pathlib import Path
from typing import Annotated

import typer

from tenure.connection_options import READY_FILE

Kafka = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="The broker; otherwise TENURE_KAFKA_BOOTSTRAP_SERVERS.")
]
ReadyFile = Annotated[
    Path | None, typer.Option(metavar="F", help=f"What `tenure up` wrote; otherwise {READY_FILE}, where there is one.")
]
Database = Annotated[str | None, typer.Option(metavar="URL", help="PostgreSQL; otherwise TENURE_DATABASE_URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
