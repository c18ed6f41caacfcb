"""The local stack as a whole: its parts, the environment of the services, and the order of start and stop.

Start: the embedded parts, all at once; then every copy of both services and the operations page; then wait for the
topics. Stop: the other way round. A part that dies in between is started again on its data and its ports, and a line
says so.
"""

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from shared.contracts.topics import TOPICS
from shared.kafka.client import admin_client
from shared.kafka.topics import name_of, wanted
from shared.runtime.errors import Transient
from shared.runtime.settings import SECRETS, Settings, load
from shared.runtime.tasks import run_all, run_until_one_ends
from tenure.local.folders import kept_text, put
from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer
from tenure.local.part import Part, PartFailed, Say
from tenure.local.ports import PortBook
from tenure.local.postgres import Postgres
from tenure.local.service import Service

SERVICES: Final = ("subscription", "notifier")
OPS: Final = "ops"
"""The operations page: one process, however many copies the services have."""
_PAUSE_SECONDS: Final = 0.2
_LONG_SECONDS: Final = 5.0
_TOPICS_WITHIN_SECONDS: Final = 30
_AUTH_SECRET: Final = ("TENURE_AUTH_SECRET", "TENURE_AUTH_SECRET_FILE")
_ANY_DATABASE: Final = "postgresql://127.0.0.1/tenure"
_REPLACED: Final = frozenset(f"TENURE_{name}_FILE" for name in SECRETS if name in ("DATABASE_URL", "AUTH_SECRET"))
"""Settings of the caller that the stack's own take the place of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """How a stack is made up.

    `folder`: data and logs of all parts. `environment`: the caller's; its `TENURE_` settings reach the services.
    `commands`: service -> the command line that runs a copy; without one for `ops` there is no operations page.
    `kafka`, `smtp` (`host:port`), `database` (URL): servers to use; None starts an embedded one. `test_clock`: where
    time stands still (RFC 3339); None: real time. `copies`: of each service. `fixed_ports`: part -> port; others get a
    free one.
    """

    folder: Path
    environment: Mapping[str, str]
    commands: Mapping[str, Sequence[str]]
    kafka: str | None = None
    database: str | None = None
    smtp: str | None = None
    test_clock: str | None = None
    copies: int = 1
    fixed_ports: Mapping[str, int] = field(default_factory=dict)


class Stack:
    """All parts of one stack. `changed` is called whenever `document` has changed."""

    def __init__(self, options: StackOptions, *, say: Say, changed: Callable[[], None] = lambda: None) -> None:
        self._options = options
        self._say = say
        self._changed = changed
        ports = PortBook(options.folder / "ports.json", options.fixed_ports)
        self.kafka = None if options.kafka else self._embedded_kafka(ports)
        self.postgres = None if options.database else Postgres(options.folder / "postgres", ports.port("postgres"))
        self.mail = None if options.smtp else self._embedded_mail(ports)
        self.services = {name: self._copies(name, ports) for name in SERVICES}
        self.ops = self._operations_page(ports) if OPS in options.commands else None
        self._auth_secret = self._find_auth_secret()
        self._instance = options.environment.get("TENURE_INSTANCE_ID") or _kept(options.folder / "instance", size=4)

    @property
    def embedded(self) -> Sequence[Part]:
        """The parts that run here, without the services."""
        return [part for part in (self.kafka, self.postgres, self.mail) if part is not None]

    async def start(self) -> None:
        """Start everything; returns when both services are ready and every topic exists.

        Raises `PartFailed`, and `BadSettings` for settings that the services would refuse.
        """
        load(self._environment(self._options.database or _ANY_DATABASE))  # before anything is started for nothing
        await run_all(*(partial(self._start, part) for part in self.embedded))
        environment = self._environment(self._database_url)
        settings = load(environment)
        for copy in self._all_copies():
            copy.use_environment({**environment, "TENURE_INSTANCE_ID": f"{self._instance}.{copy.name}"})
        await run_all(*(partial(self._start, copy) for copy in self._all_copies()))
        await self._wait_for_topics(settings)

    async def keep_running(self) -> None:
        """Start again what dies, until cancelled."""
        await run_all(*(partial(self._keep, part) for part in (*self.embedded, *self._all_copies())))

    async def change_settings(self, service: str, settings: Mapping[str, str]) -> None:
        """Run every copy of a service with these settings (as in the environment) from now on; returns when they are
        ready. Only while `keep_running` runs, which starts them again.
        """
        for copy in self.services[service]:
            pid = copy.pid
            copy.use_environment({**copy.environment(), **settings})
            await copy.stop()
            while copy.pid == pid:
                await asyncio.sleep(_PAUSE_SECONDS)
            await copy.until_ready()

    async def stop(self) -> None:
        """End the services, then the rest; no process is left."""
        await asyncio.gather(*(copy.stop() for copy in self._all_copies()))
        await asyncio.gather(*(part.stop() for part in self.embedded))

    def document(self) -> dict[str, Any]:
        """The ready file's content, as in the contract."""
        return {
            "kafka": self._kafka_address,
            "database_url": self._database_url,
            "smtp": self._smtp_address,
            "mail_url": self.mail.url if self.mail else None,
            "subscription_url": self.services["subscription"][0].url,
            "notifier_url": self.services["notifier"][0].url,
            "ops_url": self.ops.url if self.ops else None,
            "pids": {
                **{name: [copy.pid for copy in copies] for name, copies in self.services.items()},
                **({OPS: [self.ops.pid]} if self.ops else {}),
                **{part.name: [part.pid] for part in self.embedded},
            },
            "auth_secret": self._auth_secret,
            "pid": os.getpid(),
        }

    def _embedded_kafka(self, ports: PortBook) -> Kafka:
        port, controller = ports.port("kafka"), ports.port("kafka controller")
        return Kafka(self._options.folder / "kafka", port, controller_port=controller, say=self._say)

    def _embedded_mail(self, ports: PortBook) -> MailServer:
        return MailServer(self._options.folder / "mail", ports.port("smtp"), http_port=ports.port("mail"))

    def _copies(self, service: str, ports: PortBook) -> Sequence[Service]:
        numbers = range(1, self._options.copies + 1)
        names = [service if number == 1 else f"{service}-{number}" for number in numbers]
        folder, command = self._options.folder / "services", self._options.commands[service]
        return [Service(name, folder, port=ports.port(name), command=command) for name in names]

    def _operations_page(self, ports: PortBook) -> Service:
        folder = self._options.folder
        command = [*self._options.commands[OPS], "--data", str(folder / "ops")]
        return Service(OPS, folder / "services", port=ports.port(OPS), command=command)

    def _all_copies(self) -> Sequence[Service]:
        copies = [copy for copies in self.services.values() for copy in copies]
        return [*copies, self.ops] if self.ops else copies

    @property
    def _kafka_address(self) -> str:
        return self.kafka.bootstrap if self.kafka else str(self._options.kafka)

    @property
    def _database_url(self) -> str:
        return self.postgres.url if self.postgres else str(self._options.database)

    @property
    def _smtp_address(self) -> str:
        return self.mail.smtp if self.mail else str(self._options.smtp)

    def _find_auth_secret(self) -> str | None:
        """The caller's; None with a key server; else a random one that is kept in the folder. Raises `BadSettings`."""
        given = self._options.environment
        secret = load({name: given[name] for name in _AUTH_SECRET if name in given}).auth_secret
        if secret is not None:
            return secret.get_secret_value()
        return None if "TENURE_AUTH_JWKS_URL" in given else _kept(self._options.folder / "auth_secret")

    def _environment(self, database_url: str) -> Mapping[str, str]:
        """The caller's environment, with defaults for what it lacks, and with the addresses of this stack."""
        host, _, port = self._smtp_address.rpartition(":")
        defaults = {
            "TENURE_SMTP_TLS": "none",
            "TENURE_MAIL_FROM": "renewals@mail.localhost",
            "TENURE_MAIL_DOMAIN": "mail.localhost",
            "TENURE_PUBLIC_URL": self.services["notifier"][0].url,
        }
        ours = {
            "TENURE_KAFKA_BOOTSTRAP_SERVERS": self._kafka_address,
            "TENURE_DATABASE_URL": database_url,
            "TENURE_SMTP_HOST": host,
            "TENURE_SMTP_PORT": port,
            "TENURE_AUTH_SECRET": self._auth_secret,
            "TENURE_TEST_CLOCK": self._options.test_clock,
        }
        given = {name: value for name, value in self._options.environment.items() if name not in _REPLACED}
        return {**defaults, **given, **{name: value for name, value in ours.items() if value is not None}}

    async def _start(self, part: Part) -> None:
        self._say(f"starting {part.name}")
        await run_until_one_ends(part.start, partial(self._say_what_it_waits_for, part))
        self._say(f"{part.name} is ready (pid {part.pid})")

    async def _say_what_it_waits_for(self, part: Part) -> None:
        """Once it takes long, and whenever it is something else."""
        told = ""
        while True:
            await asyncio.sleep(_LONG_SECONDS)
            if part.waits_for not in ("", told):
                told = part.waits_for
                self._say(f"{part.name} waits ({told})")

    async def _keep(self, part: Part) -> None:
        while True:
            await part.ended()
            self._say(
                f"{part.name} (pid {part.pid}) ended ({part.how_it_ended}); it is started again. Its log: {part.log}"
            )
            await asyncio.sleep(_PAUSE_SECONDS)
            await part.prepare()
            part.spawn()
            self._say(f"{part.name} runs again (pid {part.pid})")
            self._changed()

    async def _wait_for_topics(self, settings: Settings) -> None:
        names = {name_of(topic.name, settings) for topic in wanted(list(TOPICS), settings)}
        missing = names
        for _ in range(_TOPICS_WITHIN_SECONDS * 4):
            try:
                async with admin_client(settings) as client:
                    missing = names - set(await client.list_topics())
            except Transient:
                missing = names
            if not missing:
                return
            await asyncio.sleep(0.25)
        raise PartFailed(f"The services are ready, but topics are missing: {', '.join(sorted(missing))}.")


def _kept(file: Path, *, size: int = 32) -> str:
    """A random text of so many bytes in hexadecimal, made once for a folder."""
    if not kept_text(file):
        put(file, secrets.token_hex(size))
    return kept_text(file)
