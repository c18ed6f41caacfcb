"""The settings: which ones stop the start, with which sentence; secrets from files; docs/settings.md."""

import re
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from shared.kafka.client import connection_arguments
from shared.runtime.settings import SECRETS, BadSettings, Settings, has_role, load
from tests.kit.cases import cases

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `TENURE_(?P<name>[A-Z_]+)` \| (?P<default>[^|]+) \| (?P<meaning>[^|]+) \|$", re.MULTILINE)


def test_without_any_environment_the_defaults_hold() -> None:
    assert load({}) == Settings()


def test_variables_without_the_prefix_are_ignored() -> None:
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


@cases(
    ("name", "bad", "good"),
    [
        ("DATABASE_URL", "nonsense", "postgresql+asyncpg://u:p@h:1/d"),
        ("DATABASE_URL", "mysql://u@h/d", "postgres://h/d"),
        ("DATABASE_URL", "postgresql://u@h:port/d", "postgresql:///d?host=/tmp"),
        ("KAFKA_BOOTSTRAP_SERVERS", "", "h:1"),
        ("KAFKA_BOOTSTRAP_SERVERS", "h:1,", "h:1, [::1]:2"),
        ("KAFKA_BOOTSTRAP_SERVERS", "h", "h.example:9092"),
        ("PUBLIC_URL", "tenure.example", "https://tenure.example/below"),
        ("INBOX_ORIGINS", "https://a.example/", "https://a.example, http://localhost:9000,"),
        ("SUBSCRIPTION_URL", "subscription:8080", "http://subscription:8080"),
        ("NOTIFIER_URL", "notifier:8080", "http://notifier:8080"),
        ("AUTH_JWKS_URL", "http://:80/keys", "http://h:80/keys"),
    ],
)
def test_a_malformed_address_is_refused(name: str, bad: str, good: str) -> None:
    load({f"TENURE_{name}": good})
    with pytest.raises(BadSettings, match=rf"^TENURE_{name}: expected [^:]+:"):
        load({f"TENURE_{name}": bad})


@cases(
    ("given", "used"),
    [
        ("renewals@example.com", "renewals@example.com"),
        (" Tenure <renewals@example.com> ", "Tenure <renewals@example.com>"),
        ("<renewals@example.com>", "renewals@example.com"),
        ('"Tenure, Inc." <r@example.com>', '"Tenure, Inc." <r@example.com>'),
        ("Tenure, Inc. <r@example.com>", '"Tenure, Inc." <r@example.com>'),
        ('Tenure "West" <r@example.com>', '"Tenure \\"West\\"" <r@example.com>'),
        ("Тенюр <info@диплом.укр>", "Тенюр <info@xn--d1aijeje.xn--j1amh>"),
        ("info@диплом.укр", "info@xn--d1aijeje.xn--j1amh"),
        ("info@faß.de", "info@xn--fa-hia.de"),
        ("r@localhost", "r@localhost"),
        (f"{'r' * 64}@example.com", f"{'r' * 64}@example.com"),
    ],
)
def test_a_sender_is_one_mailbox_with_its_domain_in_ascii(given: str, used: str) -> None:
    assert load({"TENURE_MAIL_FROM": given}).mail_from == used
    header = EmailMessage(policy=SMTP)
    header["From"] = used
    (address,) = header["From"].addresses
    assert address.addr_spec.isascii()
    assert address.addr_spec.rpartition("@")[0] == given.rpartition("@")[0].rpartition("<")[2].strip()


@cases(
    "given",
    [
        "",
        "Tenure",
        "renewals@",
        "@example.com",
        "renewals@example..com",
        "renewals@-example.com",
        "renewals@exa mple.com",
        "renewals@example.com, other@example.com",
        "Tenure <renewals@example.com> <other@example.com>",
        "Tenure <renewals@example.com",
        "Tenure renewals@example.com",
        "renewals..x@example.com",
        ".renewals@example.com",
        "renewals.@example.com",
        "rene wals@example.com",
        "инфо@example.com",
        f"{'r' * 65}@example.com",
        f"r@{'a' * 64}.example",
        "a@b@example.com",
        "Tenure\u202e <renewals@example.com>",
    ],
)
def test_a_sender_that_no_relay_would_take_stops_the_start(given: str) -> None:
    with pytest.raises(BadSettings, match=r"^TENURE_MAIL_FROM: expected "):
        load({"TENURE_MAIL_FROM": given})


@cases("control", ["\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85"])
@cases("name", ["MAIL_FROM", "MAIL_DOMAIN", "SMTP_HOST", "SMTP_PASSWORD", "PUBLIC_URL", "LOG_FORMAT"])
@cases("around", ["{}value", "va{}lue", "Tenure <renewals@example.com>{}"])
def test_a_control_character_in_any_setting_stops_the_start(control: str, name: str, around: str) -> None:
    with pytest.raises(BadSettings, match=rf"^TENURE_{name}: contains a control character, such as a line break\.$"):
        load({f"TENURE_{name}": around.format(control)})


@cases(
    ("given", "used"),
    [
        ("tenure.example", "tenure.example"),
        ("диплом.укр", "xn--d1aijeje.xn--j1amh"),
        ("faß.de", "xn--fa-hia.de"),
        ("localhost", "localhost"),
        ("tenure.example.", "tenure.example"),
    ],
)
def test_the_domain_of_message_ids_is_in_ascii(given: str, used: str) -> None:
    assert load({"TENURE_MAIL_DOMAIN": given}).mail_domain == used


@cases("given", ["", ".", "a..b", "-a.example", "a_b.example", "a b", "a@b", "<a>", "a" * 64])
def test_what_is_no_domain_for_message_ids_stops_the_start(given: str) -> None:
    with pytest.raises(BadSettings, match=r"^TENURE_MAIL_DOMAIN: expected a domain such as example\.com\.$"):
        load({"TENURE_MAIL_DOMAIN": given})


@cases("given", ["mail", "mail_pit", "mail.example", "192.0.2.1", "::1", "[::1]", "диплом.укр"])
def test_a_relay_may_be_named_in_every_usual_way(given: str) -> None:
    assert load({"TENURE_SMTP_HOST": given}).smtp_host.isascii()


@cases("given", ["", " ", "mail.example:25", "smtp://mail.example", "mail example", "a..ü", "-mail"])
def test_what_is_no_host_stops_the_start(given: str) -> None:
    with pytest.raises(BadSettings, match=r"^TENURE_SMTP_HOST: expected a host"):
        load({"TENURE_SMTP_HOST": given})


@cases(
    "given",
    [
        *("https://a.example/<b>", 'https://a.example/"', "https://a.example/ b", "https://ü.de"),
        *("https://a.example/?b=c", "https://a.example/#b", "https://ada:secret@a.example"),
    ],
)
def test_an_address_that_would_break_a_link_stops_the_start(given: str) -> None:
    with pytest.raises(BadSettings, match=r"^TENURE_PUBLIC_URL: expected an address"):
        load({"TENURE_PUBLIC_URL": given})


@cases(
    ("name", "bad", "good"),
    [
        ("HTTP_TRUSTED_PROXIES", "proxy.example", "10.0.0.0/8, 192.0.2.1,2001:db8::/32"),
        ("HTTP_TRUSTED_PROXIES", "10.0.0.1/8", ""),
        ("HTTP_TRUSTED_PROXIES", "*", "10.0.0.1"),
        ("ROLES", "", "all"),
        ("ROLES", "intake,mail", "intake, http"),
        ("ROLES", "HTTP", "http"),
    ],
)
def test_a_list_with_an_unknown_entry_is_refused(name: str, bad: str, good: str) -> None:
    load({f"TENURE_{name}": good})
    with pytest.raises(BadSettings, match=rf"^TENURE_{name}: expected .+ with commas between"):
        load({f"TENURE_{name}": bad})


@pytest.mark.parametrize(
    ("roles", "intake", "http"),
    [("all", True, True), ("intake", True, False), ("http", False, True), ("http, intake", True, True)],
)
def test_the_roles_of_a_copy(roles: str, intake: bool, http: bool) -> None:
    settings = load({"TENURE_ROLES": roles})
    assert (has_role(settings, "intake"), has_role(settings, "http")) == (intake, http)


def test_a_login_by_sasl_needs_both_name_and_password() -> None:
    with pytest.raises(BadSettings, match="TENURE_KAFKA_SASL_USERNAME and TENURE_KAFKA_SASL_PASSWORD"):
        load({"TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "TENURE_KAFKA_SASL_USERNAME": "tenure"})


@cases("given", ["2026-01-01T00:00:00", "2026-01-01", "5", "yesterday", ""])
def test_a_test_clock_that_is_no_instant_with_an_offset_is_refused(given: str) -> None:
    with pytest.raises(BadSettings, match=r"^TENURE_TEST_CLOCK: expected RFC 3339 with an offset\.$"):
        load({"TENURE_TEST_CLOCK": given})


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file or directory"), ("no-pem", ".+")])
def test_certificates_that_cannot_be_used_stop_the_start(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "no-pem").write_text("hello")
    settings = load({"TENURE_KAFKA_SECURITY_PROTOCOL": "SSL", "TENURE_KAFKA_SSL_CA_FILE": str(tmp_path / name)})
    with pytest.raises(BadSettings, match=rf"TENURE_KAFKA_SSL_CA_FILE: the file cannot be used \({reason}\)"):
        connection_arguments(settings)


@cases("name", SECRETS)
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("postgresql://of/the-file\n")
    login = {f"TENURE_{each}": "given" for each in ("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD") if each != name}
    given = {"TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", **login, f"TENURE_{name}_FILE": str(file)}
    found: Any = getattr(load(given), name.lower())
    assert (found.get_secret_value() if isinstance(found, SecretStr) else found) == "postgresql://of/the-file"


def test_a_secrets_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="TENURE_AUTH_SECRET_FILE"):
        load({"TENURE_AUTH_SECRET_FILE": str(tmp_path / "none")})


def test_a_secrets_file_that_is_not_utf_8_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="TENURE_AUTH_SECRET_FILE: the file is not UTF-8 text"):
        load({"TENURE_AUTH_SECRET_FILE": str(file)})


def test_a_setting_that_is_no_secret_cannot_come_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="TENURE_HTTP_PORT_FILE"):
        load({"TENURE_HTTP_PORT_FILE": str(tmp_path)})


def test_the_repr_of_settings_shows_no_password() -> None:
    settings = load({"TENURE_SMTP_PASSWORD": "hunter2", "TENURE_DATABASE_URL": "postgresql://u:hunter2@h/d"})
    assert "hunter2" not in repr(settings)


def test_settings_are_frozen() -> None:
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
