"""Reaching broker and database: several addresses, a login that is refused, certificates that are not there."""

from pathlib import Path

import pytest
from sqlalchemy import text

from shared.kafka.client import admin_client, connection_arguments, make_broker
from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings, Settings
from shared.storage.database import connect, transaction


async def test_several_brokers_stand_with_commas_between(settings: Settings) -> None:
    several = settings.kafka_bootstrap_servers + ", " + settings.kafka_bootstrap_servers
    both = settings.model_copy(update={"kafka_bootstrap_servers": several})
    async with admin_client(both) as client:
        assert await client.list_topics() is not None
    made = await make_broker(both).connect()
    async with made(client_id="test") as consumer:
        assert await consumer.topics() is not None


@pytest.mark.rule("G5")
async def test_a_login_that_the_database_refuses_is_waited_for_as_a_password_may_be_changing(database_url: str) -> None:
    engine = connect(database_url.replace("@", "x@"), "public")
    with pytest.raises(Transient, match="password authentication failed"):
        async with transaction(engine) as refused:
            await refused.execute(text("SELECT 1"))
    await engine.dispose()


def test_certificates_that_cannot_be_read_stop_the_start_with_a_sentence(tmp_path: Path) -> None:
    settings = Settings(kafka_security_protocol="SSL", kafka_ssl_ca_file=tmp_path / "none.pem")
    with pytest.raises(BadSettings, match=r"TENURE_KAFKA_SSL_CA_FILE: the file cannot be used \(No such file"):
        connection_arguments(settings)
