"""A service on a broker that demands TLS and a login; and one with several brokers, of which one is away."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from shared.kafka.client import standalone_consumer
from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from subscription_service.app import SUBSCRIPTION
from tenure.local.kafka import Kafka
from tenure.local.mail import _self_signed
from tenure.local.ports import HOST
from tenure.local.postgres import Postgres
from tests.integration.subscription.serving import PARTITIONS, outside, serving
from tests.kit.events import START, account, credit
from tests.kit.parts import running
from tests.kit.ports import free_port
from tests.kit.service import running_service
from tests.kit.settings import fresh_settings

USER: Final = "tenure"
PASSWORD: Final = "only-for-tests"
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_MODULES: Final = "org.apache.kafka.common.security"


class GuardedKafka(Kafka):
    """Kafka with a second listener, `guarded`, that demands TLS and a login."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.guarded = f"{HOST}:{free_port()}"
        self.certificate = folder / "certificate.pem"

    async def prepare(self) -> None:
        self.certificate.write_bytes(_self_signed())
        await super().prepare()

    def _settings(self) -> Mapping[str, str]:
        plain = dict(super()._settings())
        for name in ("listeners", "advertised.listeners"):
            plain[name] += f",GUARDED://{self.guarded}"
        plain["listener.security.protocol.map"] += ",GUARDED:SASL_SSL"
        return plain | {f"listener.name.guarded.{name}": value for name, value in self._guard().items()}

    def _guard(self) -> Mapping[str, str]:
        login = f'{_MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        scram = {
            f"{name.lower()}.sasl.jaas.config": f"{_MODULES}.scram.ScramLoginModule required;"
            for name in _MECHANISMS[1:]
        }
        keys = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(self.certificate)}
        return {"sasl.enabled.mechanisms": ",".join(_MECHANISMS), "plain.sasl.jaas.config": login, **scram, **keys}

    def _java(self, main: str, *arguments: str) -> Sequence[str]:
        logins = [f"--add-scram={name}=[name={USER},password={PASSWORD}]" for name in _MECHANISMS[1:]]
        return super()._java(main, *arguments, *(logins if main.endswith("StorageTool") else []))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    yield from running(GuardedKafka(tmp_path_factory.mktemp("guarded")))


@pytest.fixture
def plain(guarded: GuardedKafka, postgres: Postgres) -> Iterator[Settings]:
    with fresh_settings(guarded, postgres, topic_partitions=PARTITIONS, test_clock=START) as made:
        yield made


def secured(plain: Settings, kafka: GuardedKafka, mechanism: str, **changes: Any) -> Settings:
    login = {"kafka_sasl_mechanism": mechanism, "kafka_sasl_username": USER, "kafka_sasl_password": PASSWORD}
    tls = {"kafka_security_protocol": "SASL_SSL", "kafka_ssl_ca_file": kafka.certificate}
    return Settings.model_validate({**dict(plain), **tls, **login, "kafka_bootstrap_servers": kafka.guarded, **changes})


@pytest.mark.parametrize("mechanism", _MECHANISMS)
async def test_a_service_works_over_tls_and_a_login(plain: Settings, guarded: GuardedKafka, mechanism: str) -> None:
    who = account()
    async with (
        running_service(SUBSCRIPTION, secured(plain, guarded, mechanism)) as copy,
        outside(plain, copy) as world,
    ):
        await world.publish(credit(who, "5.00"))
        await world.settle()
        assert (await world.get(who))["balance"] == "5.00"


@pytest.mark.parametrize("wrong", [{"kafka_sasl_password": f"{PASSWORD}wrong"}, {"kafka_ssl_ca_file": None}])
async def test_without_the_password_or_the_certificate_nothing_is_read(
    plain: Settings, guarded: GuardedKafka, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Transient) as refused:
        async with standalone_consumer(secured(plain, guarded, "SCRAM-SHA-256", **wrong)):
            pass
    assert PASSWORD not in f"{refused.value}{caplog.text}"


async def test_of_several_brokers_one_may_be_away(settings: Settings) -> None:
    servers = f"{HOST}:{free_port()}, {settings.kafka_bootstrap_servers}"
    who = account()
    async with serving(settings.model_copy(update={"kafka_bootstrap_servers": servers})) as world:
        await world.publish(credit(who, "5.00"))
        await world.settle()
        assert (await world.get(who))["balance"] == "5.00"
