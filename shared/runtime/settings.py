"""Every setting of both services, read once from the environment (prefix `TENURE_`), frozen.

There is one class, because both services may be started with the same environment; each uses the settings it needs.
An unknown `TENURE_` name or a bad value stops the start with a sentence (`BadSettings`). A secret may come from a file:
`TENURE_AUTH_SECRET_FILE` instead of `TENURE_AUTH_SECRET`.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args
from unicodedata import category

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.contracts.scalars import Instant
from shared.runtime import address_settings, mail_settings

PREFIX: Final = "TENURE_"
SECRETS: Final = (
    "DATABASE_URL",
    "AUTH_SECRET",
    "SMTP_USERNAME",
    "SMTP_PASSWORD",
    "KAFKA_SASL_USERNAME",
    "KAFKA_SASL_PASSWORD",
)
"""Settings that may come from a file, without the prefix."""

_LINK: Final = re.compile(r"_SERVICE_(HOST|PORT)(_|$)|_PORT_[0-9]+_(TCP|UDP|SCTP)(_|$)")
_LINKED: Final = re.compile(r"(tcp|udp|sctp)://")
"""Names and values of the variables that Kubernetes makes of a Service."""

Role: TypeAlias = Literal["intake", "http"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""`intake`: events, timers, publishing and delivery; `http`: the service's own paths."""


class BadSettings(Exception):
    """Settings with which the service cannot start; the message names each wrong one and what was expected."""


def _given(value: Any) -> Any:
    if value == "":
        raise ValueError("expected a value; leave the setting out where there is none")
    return value


def _roles(text: str) -> str:
    if not {each.strip() for each in text.split(",")} <= {"all", *ROLES}:
        raise ValueError(f"expected all, or one or more of {', '.join(ROLES)} with commas between")
    return text


OptionalText: TypeAlias = Annotated[str | None, BeforeValidator(_given)]
OptionalSecret: TypeAlias = Annotated[SecretStr | None, BeforeValidator(_given)]
OptionalFile: TypeAlias = Annotated[Path | None, BeforeValidator(_given)]


class Settings(BaseSettings):
    """docs/settings.md has the meaning, unit and default of each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    kafka_bootstrap_servers: Annotated[str, AfterValidator(address_settings.host_and_port_list)] = "127.0.0.1:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_sasl_username: OptionalText = None
    kafka_sasl_password: OptionalSecret = None
    kafka_ssl_ca_file: OptionalFile = None
    kafka_session_seconds: Annotated[int, Field(ge=1, le=300)] = 2
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""
    topic_partitions: Annotated[int, Field(ge=1, le=10_000)] = 6
    topic_replication: Annotated[int, Field(ge=1, le=100)] = 1
    instance_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")] | None = None
    database_url: Annotated[SecretStr, AfterValidator(address_settings.postgresql_url)] = SecretStr(
        "postgresql://tenure@127.0.0.1:5432/tenure"
    )
    database_schema: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] | None = None
    smtp_host: Annotated[str, AfterValidator(mail_settings.host)] = "127.0.0.1"
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 25
    smtp_username: OptionalText = None
    smtp_password: OptionalSecret = None
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    smtp_ca_file: OptionalFile = None
    smtp_connections: Annotated[int, Field(ge=1, le=32)] = 8
    mail_from: Annotated[str, AfterValidator(mail_settings.mailbox)] = "renewals@localhost"
    mail_domain: Annotated[str, AfterValidator(mail_settings.mail_domain)] = "localhost"
    bounce_domain: Annotated[str, AfterValidator(mail_settings.bounce_domain)] | None = None
    keep_mails_days: Annotated[int, Field(ge=0, le=3650)] = 30
    delivery: Literal["on", "inbox", "shadow"] = "on"
    public_url: Annotated[str, AfterValidator(address_settings.mailed_address)] = "http://127.0.0.1:8081"
    inbox_origins: Annotated[str, AfterValidator(address_settings.origins)] = ""
    subscription_url: Annotated[str, AfterValidator(address_settings.web_address)] | None = None
    notifier_url: Annotated[str, AfterValidator(address_settings.web_address)] | None = None
    auth_secret: OptionalSecret = None
    auth_jwks_url: Annotated[str, AfterValidator(address_settings.web_address)] | None = None
    auth_audience: OptionalText = None
    http_host: Annotated[str, AfterValidator(mail_settings.host)] = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    http_rate_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    http_rate_per_token: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    http_trusted_proxies: Annotated[str, AfterValidator(address_settings.networks)] = ""
    roles: Annotated[str, AfterValidator(_roles)] = "all"
    policy_file: OptionalFile = None
    catalog_file: OptionalFile = None
    brand_file: OptionalFile = None
    words_dir: OptionalFile = None
    ops_data_dir: OptionalFile = None
    accept_policy_change: Annotated[str | None, AfterValidator(lambda text: text or None)] = None
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    test_clock: Instant | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the library names these
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` has read: it knows secrets in files, and which names do not exist."""
        return (init_settings,)


def has_role(settings: Settings, role: Role) -> bool:
    """Whether this copy does this part of the work."""
    return not {role, "all"}.isdisjoint(each.strip() for each in settings.roles.split(","))


def schema_name(service: str, settings: Settings) -> str:
    """The PostgreSQL schema of a service's tables: `TENURE_DATABASE_SCHEMA`, or the service's name."""
    return settings.database_schema or service


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `environment`. Raises `BadSettings` with one sentence for each wrong one."""
    given = {name.upper(): value for name, value in environment.items() if name.upper().startswith(PREFIX)}
    _refuse_links_of_kubernetes(given)
    _refuse_what_is_no_text(given)
    given = _with_secret_files(given)
    _refuse_what_is_no_text(given)
    unknown = sorted(name for name in given if name.removeprefix(PREFIX).lower() not in Settings.model_fields)
    if unknown:
        raise BadSettings(f"Unknown setting {', '.join(unknown)}: see docs/settings.md for the names that exist.")
    try:
        settings = Settings.model_validate({name.removeprefix(PREFIX).lower(): value for name, value in given.items()})
    except ValidationError as error:
        raise BadSettings(_sentences(error)) from None
    _refuse_contradictions(settings)
    return settings


def _refuse_contradictions(settings: Settings) -> None:
    """Each setting is well, but not with another one. Raises `BadSettings`."""
    protocol, login = settings.kafka_security_protocol, (settings.kafka_sasl_username, settings.kafka_sasl_password)
    if "SASL" in protocol and not all(login):
        raise BadSettings("TENURE_KAFKA_SASL_USERNAME and TENURE_KAFKA_SASL_PASSWORD: SASL needs both.")
    of_sasl = sorted(name for name in settings.model_fields_set if name.startswith("kafka_sasl_"))
    if "SASL" not in protocol and of_sasl:
        names = ", ".join(f"{PREFIX}{name.upper()}" for name in of_sasl)
        raise BadSettings(f"{names}: with TENURE_KAFKA_SECURITY_PROTOCOL={protocol} there is no login.")
    if "SSL" not in protocol and settings.kafka_ssl_ca_file:
        raise BadSettings(f"TENURE_KAFKA_SSL_CA_FILE: with TENURE_KAFKA_SECURITY_PROTOCOL={protocol} there is no TLS.")
    if settings.smtp_tls == "none" and settings.smtp_ca_file:
        raise BadSettings("TENURE_SMTP_CA_FILE: with TENURE_SMTP_TLS=none there is no TLS.")
    if settings.bounce_domain and not settings.auth_secret:
        raise BadSettings("TENURE_BOUNCE_DOMAIN: needs TENURE_AUTH_SECRET, with which bounce addresses are signed.")


def _refuse_links_of_kubernetes(given: Mapping[str, str]) -> None:
    """Into each container Kubernetes puts variables named after the Services of its namespace. Raises `BadSettings`."""
    links = sorted(name for name, value in given.items() if _LINK.search(name) or _LINKED.match(value))
    if links:
        raise BadSettings(
            f"{', '.join(links)}: set by Kubernetes, for a Service that is called tenure or tenure-…; put"
            " `enableServiceLinks: false` into the spec of the pod."
        )


def _refuse_what_is_no_text(given: Mapping[str, str]) -> None:
    """A line break would break out of whatever a value is written into. Raises `BadSettings`."""
    for kind, sentence in (
        ("Cc", "contains a control character, such as a line break"),
        ("Cs", "is not text in UTF-8"),
    ):
        broken = sorted(name for name, value in given.items() if any(category(letter) == kind for letter in value))
        if broken:
            raise BadSettings(f"{', '.join(broken)}: {sentence}.")


def _with_secret_files(given: Mapping[str, str]) -> dict[str, str]:
    """Each `…_FILE` of a secret replaced by the secret, with the content of that file."""
    read = dict(given)
    for name in SECRETS:
        path = read.pop(f"{PREFIX}{name}_FILE", None)
        if path is not None and f"{PREFIX}{name}" in read:
            raise BadSettings(f"{PREFIX}{name} and {PREFIX}{name}_FILE: only one of the two.")
        if path is not None:
            read[f"{PREFIX}{name}"] = _secret_in(f"{PREFIX}{name}_FILE", path)
    return read


def _secret_in(name: str, path: str) -> str:
    try:
        secret = Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise BadSettings(f"{name}: the file cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise BadSettings(f"{name}: the file is not UTF-8 text.") from None
    if not secret:
        raise BadSettings(f"{name}: the file is empty.")
    return secret


def _sentences(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_context=False)
    return " ".join(f"{PREFIX}{_name(problem['loc'])}: {_expectation(problem['msg'])}." for problem in problems)


def _name(loc: tuple[Any, ...]) -> str:
    return str(loc[0]).upper()


def _expectation(message: str) -> str:
    """pydantic's message without its prefix for our own validators."""
    return message.removeprefix("Value error, ")
