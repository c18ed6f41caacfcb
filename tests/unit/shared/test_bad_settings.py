"""Every setting's bad values: one sentence that names the setting, exit code 2, and nothing is connected to.

The tables are compared with the settings class, so that a new setting cannot be left out.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from notifier_service.app import NOTIFIER
from shared.runtime import process
from shared.runtime import start as starting
from shared.runtime.components import Service
from shared.runtime.service import build_context
from shared.runtime.settings import SECRETS, Settings, load
from subscription_service.app import SUBSCRIPTION
from tests.kit.cases import cases

SECRET: Final = "hunter2"
NOT_GIVEN: Final = "expected a value; leave the setting out where there is none"
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "kafka_session_seconds": (1, 300),
    "topic_partitions": (1, 10_000),
    "topic_replication": (1, 100),
    "smtp_port": (1, 65_535),
    "smtp_connections": (1, 32),
    "keep_mails_days": (0, 3650),
    "http_port": (0, 65_535),
    "http_rate_per_address": (1, 1_000_000),
    "http_rate_per_token": (1, 1_000_000),
}
CHOICES: Final = {
    *("kafka_security_protocol", "kafka_sasl_mechanism", "smtp_tls", "delivery", "log_format", "log_level"),
}
TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "kafka_bootstrap_servers": ("", "h", "h:", ":1", "h:x", "h:0", "h:65536", "h:٣", "h:1,", "h:1;i:2"),
    "kafka_sasl_username": ("",),
    "kafka_sasl_password": ("",),
    "topic_prefix": ("a b", "a/b", "ü", "x" * 101),
    "instance_id": ("", "a b", "a/b", "x" * 101),
    "database_url": (
        *("", SECRET, f"mysql://u:{SECRET}@h/d", f"postgresql://u:{SECRET}@h:port/d", f"postgresql://u:{SECRET}@h:0/d"),
        *(f"postgresql://u:{SECRET}@h:65536/d", f"postgresql://u:{SECRET}@h/d?sslmode=maybe", f"//u:{SECRET}@h/d"),
    ),
    "database_schema": ("", "A", "a-b", "1a", "a" * 64, 'a"'),
    "smtp_host": ("", " ", "h:25", "smtp://h", "a b"),
    "smtp_username": ("",),
    "smtp_password": ("",),
    "mail_from": ("", "Tenure", "a@", "@b", "a@b, c@d", "a@b\u202e"),
    "mail_domain": ("", "a..b", "a b", "a@b"),
    "bounce_domain": ("", "a..b", "a b", "a@b", f"{'a.' * 97}example"),
    "public_url": ("", "tenure.example", "ftp://a", "https://", "https://a/<b>", "https://a:x/"),
    "inbox_origins": ("console.example", "https://a/", "https://a/b", "https://A.example", "https://u@a", "*"),
    "subscription_url": ("", "tenure.example", "ftp://a"),
    "notifier_url": ("", "tenure.example", "ftp://a"),
    "auth_secret": ("", SECRET, f"{SECRET}{'x' * 24}"),
    "auth_jwks_url": ("", "keys", "file:///etc/passwd", "https://a/ b"),
    "auth_audience": ("",),
    "http_host": ("", " ", "h:80", "http://h", "a b"),
    "http_trusted_proxies": ("*", "proxy", "10.0.0.1/8", "10.0.0.0/33"),
    "roles": ("", "http,mail", "HTTP", "all;http"),
    "test_clock": ("", "now", "2026-01-01", "2026-01-01T00:00:00", "5"),
}
FILES: Final[Mapping[str, Mapping[str, str]]] = {
    "kafka_ssl_ca_file": {"KAFKA_SECURITY_PROTOCOL": "SSL"},
    "smtp_ca_file": {"SMTP_TLS": "tls"},
    "policy_file": {},
    "catalog_file": {},
    "brand_file": {},
    "words_dir": {},
}
"""Setting -> what else has to be set for the file to be read."""
ANYTHING: Final = {"accept_policy_change", "ops_data_dir"}
"""A word that nobody knows accepts nothing, and the start says which would; the folder is that of another program."""
MAY_BE_EMPTY: Final = {"topic_prefix", "inbox_origins", "http_trusted_proxies", "accept_policy_change"}
OF_THE_NOTIFIER: Final = ("smtp", "mail", "brand", "words")
Refusal: TypeAlias = Callable[..., str]


def bad_values() -> list[tuple[str, str]]:
    return [
        *((name, bad) for name, (low, high) in RANGES.items() for bad in ("", "x", "1.5", str(low - 1), str(high + 1))),
        *((name, bad) for name in sorted(CHOICES) for bad in ("", "maybe", "none ")),
        *((name, bad) for name, values in TEXTS.items() for bad in values),
    ]


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refusal:
    """What a service says that is started with these settings; it must be one line, with the exit code 2."""
    for step in ("configure_logging", "collect_garbage_seldom"):
        monkeypatch.setattr(process, step, lambda *_: None)
    monkeypatch.setattr(sys, "setswitchinterval", lambda _: None)
    monkeypatch.setattr(starting, "run", _only_build)

    def start(**environment: str) -> str:
        with monkeypatch.context() as only_here:
            for name, value in environment.items():
                only_here.setenv(f"TENURE_{name}", value)
            assert starting.start(_service(*environment)) == 2
        told = capfd.readouterr().err
        assert told.count("\n") == 1
        assert SECRET not in told
        return told.rstrip("\n")

    return start


async def _only_build(service: Service, settings: Settings) -> None:
    """As far as a start gets before anything is connected to."""
    context = build_context(service, settings)
    service.build(context)
    raise AssertionError("it has started")


def _service(*names: str) -> Service:
    return NOTIFIER if any(name.lower().startswith(OF_THE_NOTIFIER) for name in names) else SUBSCRIPTION


def test_every_setting_stands_in_one_of_the_tables() -> None:
    tables = [*RANGES, *CHOICES, *TEXTS, *FILES, *ANYTHING]
    assert sorted(tables) == sorted(Settings.model_fields)


@cases(("name", "bad"), bad_values())
def test_a_bad_value_is_one_sentence_that_names_the_setting(refusal: Refusal, name: str, bad: str) -> None:
    assert refusal(**{name.upper(): bad}).startswith(f"TENURE_{name.upper()}: ")


@cases(("name", "limits"), RANGES.items())
def test_the_first_and_the_last_value_of_a_range_are_taken(name: str, limits: tuple[int, int]) -> None:
    assert [getattr(load({f"TENURE_{name.upper()}": str(each)}), name) for each in limits] == list(limits)


@cases("name", Settings.model_fields)
def test_an_empty_value_is_refused_but_where_it_means_something(refusal: Refusal, name: str) -> None:
    if name in MAY_BE_EMPTY:
        load({f"TENURE_{name.upper()}": ""})
    else:
        assert refusal(**{name.upper(): ""}).startswith(f"TENURE_{name.upper()}: ")


@cases("name", Settings.model_fields)
@cases(
    ("value", "sentence"),
    [
        (f"{SECRET}\n", "contains a control character, such as a line break."),
        (f"{SECRET}\x1b", "contains a control character, such as a line break."),
        (f"{SECRET}\udcff", "is not text in UTF-8."),
    ],
)
def test_what_is_no_text_is_refused_in_every_setting(refusal: Refusal, name: str, value: str, sentence: str) -> None:
    assert refusal(**{name.upper(): value}) == f"TENURE_{name.upper()}: {sentence}"


@cases(("name", "more"), FILES.items())
@cases("kind", ["missing", "folder", "nonsense", "binary"])
def test_a_file_that_cannot_be_used_is_one_sentence(
    refusal: Refusal,
    tmp_path: Path,
    name: str,
    more: Mapping[str, str],
    kind: str,
) -> None:
    file = tmp_path / kind
    match kind:
        case "folder":
            file.mkdir(exist_ok=True)
        case "nonsense":
            file.write_text(f"{SECRET}\n")
        case "binary":
            file.write_bytes(b"\xff\xfe\n")
    told = refusal(**{name.upper(): str(file)}, **more)
    assert f"TENURE_{name.upper()}: " in told or str(file) in told


@cases("name", SECRETS)
@cases(
    ("kind", "sentence"),
    [
        ("missing", "the file cannot be read (No such file or directory)."),
        ("folder", "the file cannot be read (Is a directory)."),
        ("binary", "the file is not UTF-8 text."),
        ("empty", "the file is empty."),
    ],
)
def test_a_secrets_file_that_cannot_be_read_is_one_sentence(
    refusal: Refusal,
    tmp_path: Path,
    name: str,
    kind: str,
    sentence: str,
) -> None:
    file = tmp_path / kind
    match kind:
        case "folder":
            file.mkdir(exist_ok=True)
        case "binary":
            file.write_bytes(b"\xff\xfe")
        case "empty":
            file.write_text(" \n")
    assert refusal(**{f"{name}_FILE": str(file)}) == f"TENURE_{name}_FILE: {sentence}"


@cases("name", SECRETS)
def test_a_secrets_file_with_a_line_break_inside_is_refused(refusal: Refusal, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n{SECRET}\n")
    told = refusal(**{f"{name}_FILE": str(tmp_path / "secret")})
    assert told == f"TENURE_{name}: contains a control character, such as a line break."


@cases("name", [name for name in Settings.model_fields if name.upper() not in SECRETS])
def test_only_secrets_come_from_files(refusal: Refusal, name: str) -> None:
    told = refusal(**{f"{name.upper()}_FILE": "/x"})
    assert told.startswith(f"Unknown setting TENURE_{name.upper()}_FILE: see docs/settings.md")


@cases("name", SECRETS)
def test_a_secret_is_given_once(refusal: Refusal, name: str) -> None:
    told = refusal(**{name: SECRET, f"{name}_FILE": "/x"})
    assert told == f"TENURE_{name} and TENURE_{name}_FILE: only one of the two."


@cases(
    ("environment", "sentence"),
    [
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u"},
            "TENURE_KAFKA_SASL_USERNAME and TENURE_KAFKA_SASL_PASSWORD: SASL needs both.",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_PASSWORD": SECRET},
            "TENURE_KAFKA_SASL_USERNAME and TENURE_KAFKA_SASL_PASSWORD: SASL needs both.",
        ),
        (
            {"KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": SECRET},
            "TENURE_KAFKA_SASL_PASSWORD, TENURE_KAFKA_SASL_USERNAME:"
            " with TENURE_KAFKA_SECURITY_PROTOCOL=PLAINTEXT there is no login.",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SASL_MECHANISM": "PLAIN"},
            "TENURE_KAFKA_SASL_MECHANISM: with TENURE_KAFKA_SECURITY_PROTOCOL=SSL there is no login.",
        ),
        (
            {"DATABASE_URL": f"postgresql://u:{SECRET}@h/d?sslrootcert=/ca.pem"},
            "TENURE_DATABASE_URL: with sslmode=prefer no certificate is checked;"
            " expected verify-full beside sslrootcert.",
        ),
        (
            {"KAFKA_SSL_CA_FILE": "/x"},
            "TENURE_KAFKA_SSL_CA_FILE: with TENURE_KAFKA_SECURITY_PROTOCOL=PLAINTEXT there is no TLS.",
        ),
        (
            {"SMTP_CA_FILE": "/x", "SMTP_TLS": "none"},
            "TENURE_SMTP_CA_FILE: with TENURE_SMTP_TLS=none there is no TLS.",
        ),
        ({"SMTP_USERNAME": "u"}, "TENURE_SMTP_USERNAME and TENURE_SMTP_PASSWORD: a login needs both."),
        ({"SMTP_PASSWORD": SECRET}, "TENURE_SMTP_USERNAME and TENURE_SMTP_PASSWORD: a login needs both."),
    ],
)
def test_settings_that_contradict_each_other_are_one_sentence(
    refusal: Refusal,
    environment: Mapping[str, str],
    sentence: str,
) -> None:
    assert refusal(**environment) == sentence


@cases(
    ("name", "value"),
    [
        ("PORT", "tcp://10.0.0.1:8080"),
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT", "8080"),
        ("SERVICE_PORT_HTTP", "8080"),
        ("PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("PORT_8080_TCP_PORT", "8080"),
        ("PORT_53_UDP_PROTO", "udp"),
        ("HTTP_PORT", "tcp://10.0.0.1:8080"),
        ("SMTP_PORT", "tcp://10.0.0.1:25"),
        ("NOTIFIER_SERVICE_HOST", "10.0.0.1"),
    ],
)
def test_what_kubernetes_puts_into_the_environment_names_the_setting_of_the_pod(
    refusal: Refusal, name: str, value: str
) -> None:
    assert refusal(**{name: value}) == (
        f"TENURE_{name}: set by Kubernetes, for a Service that is called tenure or tenure-…; put"
        " `enableServiceLinks: false` into the spec of the pod."
    )


def test_the_documents_name_what_keeps_kubernetes_from_it() -> None:
    assert "enableServiceLinks: false" in (Path(__file__).parents[3] / "docs" / "settings.md").read_text("utf-8")
