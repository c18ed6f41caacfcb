"""The cache with which Kafka starts: made once, used by each start, and never in its way."""

from pathlib import Path

import pytest

from tenure.cache import cache_folder
from tenure.local import java, start_cache
from tenure.local.jars import class_path
from tenure.local.kafka import Kafka


@pytest.fixture
async def jars() -> str:
    return await class_path(print)


async def test_a_start_with_the_cache_has_nothing_to_warn_of(tmp_path: Path) -> None:
    cache = await start_cache.make()
    kafka = Kafka(tmp_path / "kafka")
    try:
        await kafka.start()
        assert f"-XX:AOTCache={cache}" in kafka.command()
        assert "[warning]" not in kafka.log.read_text()
        assert "[error]" not in kafka.log.read_text()
    finally:
        await kafka.kill()


async def test_a_cache_that_is_damaged_hinders_no_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jars = cache_folder() / "jars"
    (tmp_path / "tenure" / "java").mkdir(parents=True)
    (tmp_path / "tenure" / "jars").symlink_to(jars)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    damaged = java.cache_file(await class_path(print))
    damaged.write_bytes(b"damaged")
    kafka = Kafka(tmp_path / "kafka")
    try:
        await kafka.start()
        assert f"-XX:AOTCache={damaged}" in kafka.command()
    finally:
        await kafka.kill()


def test_without_a_cache_java_is_not_told_of_one(tmp_path: Path, jars: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "AOTCache" not in " ".join(java.command(jars, "kafka.Kafka"))


def test_jars_that_were_fetched_again_have_a_cache_of_their_own(tmp_path: Path) -> None:
    jar = tmp_path / "kafka.jar"
    jar.touch()
    before = java.cache_file(str(jar))
    jar.write_bytes(b"another")
    assert java.cache_file(str(jar)) != before
