"""Events on `server-inventory`: servers, quota bound to them, capacity and configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from shared.contracts.fields import (
    AccountId,
    AssetGroup,
    CapacityInUse,
    ConfigurationKey,
    ConfigurationValue,
    IsBound,
    Region,
    ServerCores,
    ServerId,
    ServerName,
    Tags,
    described,
)
from shared.contracts.types import ConfigurationKind, Feature


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRegistered:
    """A server joined the account's inventory (R36)."""

    account_id: AccountId
    server_id: ServerId
    cores: ServerCores
    name: ServerName | None = None
    region: Region | None = None
    asset_group: AssetGroup | None = None
    tags: Tags = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerResized:
    """A server has another number of cores (R36)."""

    account_id: AccountId
    server_id: ServerId
    cores: ServerCores


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReleased:
    """A server left the account's inventory (R36)."""

    account_id: AccountId
    server_id: ServerId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBound:
    """Quota is bound to a server: it is protected in partial mode (R36)."""

    account_id: AccountId
    server_id: ServerId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUnbound:
    """A server's quota is free again (R36)."""

    account_id: AccountId
    server_id: ServerId


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotServer:
    """One server of a snapshot."""

    server_id: ServerId
    cores: ServerCores
    bound: IsBound = False
    name: ServerName | None = None
    region: Region | None = None
    asset_group: AssetGroup | None = None
    tags: Tags = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventorySnapshot:
    """The whole inventory as of the event's `time`; servers that it does not name are gone (R37)."""

    account_id: AccountId
    servers: Annotated[tuple[SnapshotServer, ...], described("Every server of the account, each once.")]

    def __post_init__(self) -> None:
        if len({server.server_id for server in self.servers}) != len(self.servers):
            raise ValueError("servers: expected each server_id once")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityUsed:
    """How much of a value-added feature is in use now."""

    account_id: AccountId
    feature: Feature
    used: CapacityInUse


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRecorded:
    """A configuration entry was added or replaced (R37)."""

    account_id: AccountId
    kind: ConfigurationKind
    key: ConfigurationKey
    value: ConfigurationValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRemoved:
    """A configuration entry was removed (R37)."""

    account_id: AccountId
    kind: ConfigurationKind
    key: ConfigurationKey


INVENTORY_EVENTS: Final[Mapping[str, type[Any]]] = {
    "tenure.server.registered.v1": ServerRegistered,
    "tenure.server.resized.v1": ServerResized,
    "tenure.server.released.v1": ServerReleased,
    "tenure.server.bound.v1": ServerBound,
    "tenure.server.unbound.v1": ServerUnbound,
    "tenure.inventory.snapshot.v1": InventorySnapshot,
    "tenure.capacity.used.v1": CapacityUsed,
    "tenure.configuration.recorded.v1": ConfigurationRecorded,
    "tenure.configuration.removed.v1": ConfigurationRemoved,
}
"""Type -> contract."""
