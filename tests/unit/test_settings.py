"""The settings: what stops the start and with which sentence, secrets from files, and docs/settings.md."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from shared.kafka import connection
from shared.settings import SECRETS, BadSettings, Settings, load

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `TENURE_(?P<name>[A-Z_]+)` \| (?P<default>[^|]+) \| (?P<meaning>[^|]+) \|$", re.MULTILINE)


def test_without_any_environment_the_defaults_hold() -> None:
    assert load({}) == Settings()


def test_names_of_others_are_none_of_our_business() -> None:
    assert load({"PATH": "/bin", "KAFKA_HOME": "x"}) == Settings()


def test_a_setting_is_read_from_its_name() -> None:
    assert load({"TENURE_HTTP_PORT": "9000"}).http_port == 9000


def test_an_unknown_name_stops_the_start_and_is_named() -> None:
    with pytest.raises(BadSettings, match=r"TENURE_HTP_PORT.*docs/settings\.md"):
        load({"TENURE_HTP_PORT": "9000"})


def test_every_bad_value_gets_its_sentence() -> None:
    with pytest.raises(BadSettings) as bad:
        load({"TENURE_HTTP_PORT": "much", "TENURE_SMTP_TLS": "maybe"})
    assert "TENURE_HTTP_PORT: " in str(bad.value)
    assert "TENURE_SMTP_TLS: " in str(bad.value)


def test_a_test_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(BadSettings, match="TENURE_TEST_CLOCK"):
        load({"TENURE_TEST_CLOCK": "2026-01-01T00:00:00"})


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("postgresql:of the file\n")
    found: Any = getattr(load({f"TENURE_{name}_FILE": str(file)}), name.lower())
    assert (found.get_secret_value() if isinstance(found, SecretStr) else found) == "postgresql:of the file"


def test_a_secrets_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="TENURE_AUTH_SECRET_FILE"):
        load({"TENURE_AUTH_SECRET_FILE": str(tmp_path / "none")})


def test_a_secrets_file_that_is_no_text_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="TENURE_AUTH_SECRET_FILE: the file is no text in UTF-8"):
        load({"TENURE_AUTH_SECRET_FILE": str(file)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", ""),
        ("KAFKA_BOOTSTRAP_SERVERS", "host:port"),
        ("KAFKA_BOOTSTRAP_SERVERS", "host:70000"),
        ("KAFKA_BOOTSTRAP_SERVERS", "one:9092,,two:9092"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("DATABASE_URL", "postgresql://u:hunter2@h:port/d"),
        ("AUTH_JWKS_URL", "keys.example"),
        ("AUTH_JWKS_URL", "file:///etc/keys"),
        ("PUBLIC_URL", "inbox.example"),
        ("TEST_CLOCK", "5"),
        ("TEST_CLOCK", "2026-01-01"),
        ("TEST_CLOCK", "yesterday"),
    ],
)
def test_what_is_no_address_and_no_instant_stops_the_start_with_one_sentence(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=rf"^TENURE_{name}: expected [^.]+") as bad:
        load({f"TENURE_{name}": value})
    assert "hunter2" not in str(bad.value)


@pytest.mark.parametrize("given", ["one:9092", "one", "one:9092, two:9093", "127.0.0.1:1,[::1]:65535"])
def test_brokers_are_hosts_with_ports_separated_by_commas(given: str) -> None:
    assert load({"TENURE_KAFKA_BOOTSTRAP_SERVERS": given}).kafka_bootstrap_servers == given


@pytest.mark.parametrize("login", [{}, {"USERNAME": "u"}, {"PASSWORD": "p"}, {"USERNAME": "", "PASSWORD": "p"}])
def test_a_login_that_is_not_whole_stops_the_start(login: dict[str, str]) -> None:
    given = {f"TENURE_KAFKA_SASL_{name}": value for name, value in login.items()}
    with pytest.raises(BadSettings, match="TENURE_KAFKA_SASL_USERNAME and TENURE_KAFKA_SASL_PASSWORD"):
        load({"TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"} | given)


def test_certificates_that_cannot_be_used_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "no-pem").write_text("hello")
    for name in ("none", "no-pem"):
        settings = load({"TENURE_KAFKA_SECURITY_PROTOCOL": "SSL", "TENURE_KAFKA_SSL_CA_FILE": str(tmp_path / name)})
        with pytest.raises(BadSettings, match=f"TENURE_KAFKA_SSL_CA_FILE: .*{name} cannot be used"):
            connection(settings)


def test_what_is_no_secret_comes_from_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="TENURE_HTTP_PORT_FILE"):
        load({"TENURE_HTTP_PORT_FILE": str(tmp_path)})


def test_no_sentence_and_no_print_shows_a_password() -> None:
    settings = load({"TENURE_SMTP_PASSWORD": "hunter2", "TENURE_DATABASE_URL": "postgresql://u:hunter2@h/d"})
    assert "hunter2" not in repr(settings)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().http_port = 1  # type: ignore[misc]


def test_the_document_lists_every_setting_once_with_its_default() -> None:
    rows = ROW.findall(DOCUMENT.read_text("utf-8"))
    assert [name.lower() for name, _, _ in rows] == list(Settings.model_fields)
    assert {name: default for name, default, _ in rows} == {
        name.upper(): shown(getattr(Settings(), name)) for name in Settings.model_fields
    }


def test_the_document_says_which_settings_are_secrets() -> None:
    marked = [name for name, _, meaning in ROW.findall(DOCUMENT.read_text("utf-8")) if "or `…_FILE`" in meaning]
    assert sorted(marked) == sorted(SECRETS)


def shown(value: object) -> str:
    """A default as the document writes it."""
    if value is None:
        return "none"
    if value == "":
        return "empty"
    return f"`{value.get_secret_value() if isinstance(value, SecretStr) else value}`"
