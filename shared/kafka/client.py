"""Clients of Kafka, made from the settings.

aiokafka's errors become those of `shared.kafka.errors`; certificates that cannot be used become `BadSettings`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from ssl import SSLContext
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.helpers import create_ssl_context
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.kafka.consumer import CleanConsumer, InputConsumer
from shared.kafka.errors import classified, close_quietly
from shared.runtime.settings import BadSettings, Settings

READ_COMMITTED: Final = "read_committed"
READ_UNCOMMITTED: Final = "read_uncommitted"
MAX_FETCH_BYTES: Final = 20 * 1024 * 1024
"""More than the largest record that the relay publishes (`MAX_PUBLISHED_BYTES`)."""

_METADATA_MILLISECONDS: Final = 5_000
"""How old what the intake knows of topics may be: so soon it reads a partition that was added."""


def connection_arguments(settings: Settings) -> dict[str, Any]:
    """What every aiokafka client takes: addresses and security. Raises `BadSettings`."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if "SSL" in settings.kafka_security_protocol:
        arguments["ssl_context"] = _tls(settings)
    if "SASL" in settings.kafka_security_protocol and settings.kafka_sasl_password:
        arguments["sasl_mechanism"] = settings.kafka_sasl_mechanism
        arguments["sasl_plain_username"] = settings.kafka_sasl_username
        arguments["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return arguments


@asynccontextmanager
async def admin_client(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client, for a few calls. Raises `Transient` while Kafka is away, and `Alarm`."""
    client = AIOKafkaAdminClient(**connection_arguments(settings), request_timeout_ms=10_000)
    try:
        with classified():
            await client.start()
            yield client
    finally:
        await close_quietly(client.close)


@asynccontextmanager
async def standalone_consumer(
    settings: Settings, *topics: str, isolation_level: str = READ_COMMITTED, **limits: int
) -> AsyncIterator[CleanConsumer]:
    """A consumer without a group, assigned to all partitions of `topics` (broker's names).

    `limits`: sizes of fetches, by aiokafka's names, where others than ours are wanted. Raises `Transient` while Kafka
    is away, and `Alarm`.
    """
    consumer = CleanConsumer(
        *topics,
        **connection_arguments(settings),
        isolation_level=isolation_level,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **{"max_partition_fetch_bytes": MAX_FETCH_BYTES, **limits},
    )
    try:
        with classified():
            await consumer.start()
            yield consumer
    finally:
        await close_quietly(consumer.stop)


class InputBroker(KafkaBroker):
    """FastStream's broker, whose subscribers read with an `InputConsumer`."""

    async def _connect(self) -> Any:
        builder: Any = await super()._connect()
        config = self.config.broker_config
        config.builder = partial(InputConsumer, **builder.keywords)
        return config.builder


def make_broker(settings: Settings) -> InputBroker:
    """FastStream's broker, not started."""
    return InputBroker(
        settings.kafka_bootstrap_servers.split(","),  # FastStream takes a string with commas for one broker
        security=_security(settings),
        metadata_max_age_ms=_METADATA_MILLISECONDS,
        allow_auto_create_topics=False,
        consumer_only=True,  # the relay publishes, with a producer of its own
        graceful_timeout=None,  # `Intake.stop` drains the batch under way; one that only was decoded is read again
        apply_types=False,  # the handler takes its batch as it is
        logger=None,
    )


def _security(settings: Settings) -> BaseSecurity | None:
    context = _tls(settings) if "SSL" in settings.kafka_security_protocol else None
    if "SASL" not in settings.kafka_security_protocol:
        return BaseSecurity(ssl_context=context) if context else None
    password = settings.kafka_sasl_password.get_secret_value() if settings.kafka_sasl_password else ""
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    return kinds[settings.kafka_sasl_mechanism](
        username=settings.kafka_sasl_username or "", password=password, ssl_context=context, use_ssl=context is not None
    )


def _tls(settings: Settings) -> SSLContext:
    cafile = str(settings.kafka_ssl_ca_file) if settings.kafka_ssl_ca_file else None
    try:
        context: SSLContext = create_ssl_context(cafile=cafile)
    except OSError as error:
        raise BadSettings(f"TENURE_KAFKA_SSL_CA_FILE: the file cannot be used ({error.strerror}).") from None
    return context
