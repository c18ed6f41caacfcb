"""Apache Kafka itself as a child process: one KRaft node, broker and controller, on 127.0.0.1.

A small durable broker: what it acknowledged survives SIGKILL of the process.
"""

import base64
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tenure.local import java
from tenure.local.answers import port_answers
from tenure.local.jars import class_path
from tenure.local.part import Part, Say
from tenure.local.ports import HOST, free_port

_SETTINGS: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    # A killed node waits for its old session to end before it serves again: 3.5 s instead of 12.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
    "group.initial.rebalance.delay.ms": "0",
    # The services ask for sessions of 2 s, shorter than a broker takes by default (TENURE_KAFKA_SESSION_SECONDS).
    "group.min.session.timeout.ms": "1000",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "10",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "3",
    "transaction.max.timeout.ms": "900000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "min.insync.replicas": "1",
    "log.cleaner.dedupe.buffer.size": "16777216",
}


class Kafka(Part):
    """`port` and `controller_port` stay the same for all starts of this object."""

    # Paths in its settings are relative to its folder: a comma in one could not be written otherwise.
    works_in_its_folder: ClassVar[bool] = True
    start_within_seconds = 90
    stop_within_seconds = 20

    def __init__(self, folder: Path, port: int | None = None, *, controller_port: int | None = None, say: Say = print):
        super().__init__("kafka", folder)
        self.port = port or free_port()
        self._controller_port = controller_port or free_port()
        self._say = say
        self._class_path = ""

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"{HOST}:{self.port}"

    @property
    def ports(self) -> Sequence[int]:
        return self.port, self._controller_port

    def command(self) -> Sequence[str]:
        return self._java("kafka.Kafka", self._settings_file.name)

    def environment(self) -> Mapping[str, str]:
        """Java reads the names of files, also of its own folder, in the encoding of the locale."""
        return {**os.environ, "LC_ALL": "C.UTF-8"}

    async def prepare(self) -> None:
        """Fetch Kafka if needed, write its settings and, once for a folder, format its storage."""
        if not self._class_path:
            self._class_path = await class_path(self._say)
        self._settings_file.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self._data / "meta.properties").exists():
            await self._format()

    async def answers(self) -> bool:
        """A metadata answer that names a broker: from then on it can lead partitions."""
        return await broker_answers(self.bootstrap)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _settings_file(self) -> Path:
        return self.folder / "server.properties"

    def _settings(self) -> Mapping[str, str]:
        return {
            **_SETTINGS,
            "listeners": f"BROKER://{HOST}:{self.port},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"BROKER://{HOST}:{self.port}",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "log.dirs": self._data.name,
        }

    def _java(self, main: str, *arguments: str) -> Sequence[str]:
        return java.command(self._class_path, main, *arguments)

    async def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        storage_tool = self._java(
            "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", self._settings_file.name
        )
        await self.run_to_end(storage_tool)


async def broker_answers(bootstrap: str) -> bool:
    """Whether a Kafka at `host:port` answers a metadata request with at least one broker."""
    host, _, port = bootstrap.rpartition(":")
    if not await port_answers(host, int(port)):
        return False
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return bool(cluster["brokers"])
