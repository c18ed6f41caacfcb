"""Ports: fixed ones are insisted on, free ones are kept from start to start."""

import socket
from pathlib import Path

import pytest

from tenure.local.jars import KAFKA_VERSION, read_lock
from tenure.local.ports import HOST, PortBook, PortTaken, free_port, is_free


def test_a_part_keeps_its_port_from_start_to_start(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = PortBook(file, {})
    ports = {name: first.port(name) for name in ("kafka", "postgres")}
    again = PortBook(file, {})
    assert {name: again.port(name) for name in ("postgres", "kafka")} == ports
    assert len(set(ports.values())) == 2


def test_a_port_that_somebody_else_took_meanwhile_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    port = PortBook(file, {}).port("kafka")
    with socket.create_server((HOST, port)):
        other = PortBook(file, {}).port("kafka")
        assert (is_free(port), other == port) == (False, False)


def test_a_fixed_port_that_is_taken_is_said_by_number_and_part(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server((HOST, port)), pytest.raises(PortTaken, match=f"port {port} for kafka is taken"):
        PortBook(tmp_path / "ports.json", {"kafka": port}).port("kafka")


def test_the_lock_names_every_file_with_its_digest_and_no_host() -> None:
    jars = read_lock()
    assert f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}" in [str(jar) for jar in jars]
    assert {len(jar.sha256) for jar in jars} == {64}
