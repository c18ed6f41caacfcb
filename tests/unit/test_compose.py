"""compose.yaml: it fits the specification, and says nothing that the services do not know."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from shared.runtime.settings import SECRETS, Settings, load

ROOT = Path(__file__).parents[2]
COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: Mapping[str, Any] = COMPOSE["services"]
OURS = ("subscription", "notifier")
OPERATIONS = ROOT / "docs" / "operations.md"


def given(name: str, tmp_path: Path) -> Settings:
    """The service's settings as it would read them; stand-ins for the secrets."""
    environment = dict(SERVICES[name]["environment"])
    for variable, path in environment.items():
        if variable.endswith("_FILE"):
            stand_in = tmp_path / Path(path).name
            stand_in.write_text("postgresql://a-secret-that-is-long-enough-for-HS256")
            environment[variable] = str(stand_in)
    return load(environment)


def published(name: str) -> Mapping[str, str]:
    """Port in the container -> address on the host."""
    return {port: f"{address}:{host}" for address, host, port in (one.split(":") for one in SERVICES[name]["ports"])}


def test_it_fits_the_compose_specification() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run([checker, "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"], check=True)


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_ones_that_the_service_takes(name: str, tmp_path: Path) -> None:
    assert given(name, tmp_path).kafka_bootstrap_servers == "kafka:9092"


@pytest.mark.parametrize("name", OURS)
def test_the_command_is_a_module_that_can_be_run(name: str) -> None:
    python, option, module = SERVICES[name]["command"]
    assert (python, option) == ("python", "-m")
    assert module == f"{name}_service"
    assert find_spec(f"{module}.__main__")


@pytest.mark.parametrize("name", OURS)
def test_ports_and_health_check_are_where_the_service_listens(name: str, tmp_path: Path) -> None:
    settings = given(name, tmp_path)
    assert settings.http_host == "0.0.0.0"
    assert list(published(name)) == [str(settings.http_port)]
    assert f"127.0.0.1:{settings.http_port}/ready" in SERVICES[name]["healthcheck"]["test"][-1]


def test_the_links_in_mails_lead_to_the_notifier(tmp_path: Path) -> None:
    settings = given("notifier", tmp_path)
    assert urlsplit(settings.public_url).netloc == published("notifier")[str(settings.http_port)]


def test_mail_goes_to_mailpit(tmp_path: Path) -> None:
    settings = given("notifier", tmp_path)
    assert (settings.smtp_host, settings.smtp_port, settings.smtp_tls) == ("mailpit", 1025, "none")
    assert "mailpit" in SERVICES


def test_kafka_listens_where_services_and_host_look_for_it() -> None:
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert advertised == ["INSIDE://kafka:9092", f"HOST://{published('kafka')['29092']}"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_a_health_check_and_publishes_to_this_machine_only(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not service.keys() & {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"}


def test_nothing_but_volumes_and_memory_is_written_to() -> None:
    assert {name: each.get("volumes") for name, each in SERVICES.items() if each.get("volumes")} == {
        "kafka": ["kafka:/var/lib/kafka/data"],
        "postgres": ["postgres:/var/lib/postgresql"],
    }


def test_no_secret_stands_in_the_file() -> None:
    variables = {
        variable: value for each in SERVICES.values() for variable, value in each.get("environment", {}).items()
    }
    assert not variables.keys() & {f"TENURE_{name}" for name in SECRETS}
    assert not [variable for variable in variables if "PASSWORD" in variable and not variable.endswith("_FILE")]


def test_every_secret_that_is_read_is_given_and_the_other_way_round() -> None:
    for each in SERVICES.values():
        read = [Path(value).name for value in each.get("environment", {}).values() if value.startswith("/run/secrets/")]
        assert sorted(read) == sorted(each.get("secrets", ()))
    assert set(COMPOSE["secrets"]) == {secret for each in SERVICES.values() for secret in each.get("secrets", ())}


def test_the_command_in_the_document_makes_every_secret(tmp_path: Path) -> None:
    script = OPERATIONS.read_text("utf-8").partition("<!-- makes the secrets -->\n```sh\n")[2].partition("```")[0]
    subprocess.run(["sh", "-eu", "-c", script], cwd=tmp_path, check=True)
    made = {f"./{path.relative_to(tmp_path)}": path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert made.keys() == {secret["file"] for secret in COMPOSE["secrets"].values()}
    assert f":{made['./secrets/database_password']}@postgres:5432/tenure" in made["./secrets/database_url"]
    assert len(made["./secrets/auth_secret"]) >= 32
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_what_is_secret_reaches_neither_the_image_nor_the_repository() -> None:
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    kept_out, *let_in = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    assert kept_out == "*"
    assert "!secrets" not in let_in


def test_the_image_is_given_everything_that_it_is_built_from() -> None:
    let_in = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()}
    assert {"pyproject.toml", "requirements", "shared", "subscription_service", "notifier_service", "tenure"} <= let_in


def test_the_image_brings_what_sqlalchemy_needs_on_asyncio() -> None:
    locked = (ROOT / "requirements" / "run.lock").read_text("utf-8")
    assert "\ngreenlet==" in locked, 'name "sqlalchemy[asyncio]" in pyproject.toml, then `make lock`'
