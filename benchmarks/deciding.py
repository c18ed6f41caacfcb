"""The code of the subscription service that decides, in this process, on a database of its own and without Kafka."""

from typing import Final, NamedTuple

from aiokafka import ConsumerRecord

from benchmarks.servers import OUTPUTS
from benchmarks.workload import Message
from shared.kafka.record import Record
from shared.outbox.log import fix_partitions
from shared.storage.database import Engine, connect, transaction
from shared.storage.migrations import migrate
from shared.testclock.clock import Clock
from subscription_service.app import SUBSCRIPTION
from subscription_service.batch import SubscriptionBatchProcessor
from subscription_service.domain.policy import Rules
from subscription_service.policy_files import catalog, policy
from subscription_service.recent_states import RecentStates
from subscription_service.state_documents import StateDocuments

PARTITIONS: Final = dict.fromkeys(OUTPUTS, 6)


class Deciding(NamedTuple):
    """What decides events and makes the state documents of their accounts; `recent` passes from one to the other."""

    processor: SubscriptionBatchProcessor
    states: StateDocuments
    recent: RecentStates


def deciding(engine: Engine, rules: Rules, clock: Clock) -> Deciding:
    """As a copy of the service has it."""
    recent = RecentStates()
    processor = SubscriptionBatchProcessor(
        rules=rules, clock=clock, partitions=PARTITIONS, logical=lambda record: str(record.topic), recent=recent
    )
    return Deciding(processor, StateDocuments(rules=rules, engine=engine, recent=recent), recent)


async def migrated(url: str) -> Engine:
    """One session of the empty database, with the service's tables."""
    await migrate(url, SUBSCRIPTION.name, SUBSCRIPTION.migrations)
    engine = connect(url, SUBSCRIPTION.name, pool_size=1)
    async with transaction(engine) as connection:
        await fix_partitions(connection, PARTITIONS)
    return engine


def default_rules() -> Rules:
    """The policy and the catalog that a service has where none are given."""
    return Rules(policy=policy.load_policy(policy.DEFAULT), catalog=catalog.load_catalog(catalog.DEFAULT))


def record_of(message: Message, headers: tuple[object, ...] = ()) -> Record:
    """The message as the reader would take it from Kafka, at no position."""
    key, value = message.account_id.encode(), message.value
    return ConsumerRecord(message.topic, 0, 0, 0, 0, key, value, None, len(key), len(value), headers)
