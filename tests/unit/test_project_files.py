"""The files around the code: each fits its schema, and says nothing that the project does not know."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.runtime.version import VERSION
from tenure.local.up import FIXED_PORTS

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("github-workflows", ".github/workflows/ci.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/bug.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/change.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("renovate", "renovate.json"),
    ],
)
def test_it_fits_its_schema(schema: str, path: str) -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run([checker, "--builtin-schema", f"vendor.{schema}", ROOT / path], check=True)


def test_the_hosted_workflow_runs_what_everybody_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    commands = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    assert commands == ["sudo .ci/system-packages", ".ci/run"]
    assert all((ROOT / command.split()[-1]).is_file() for command in commands)


def test_ci_runs_targets_of_the_makefile() -> None:
    commands = re.findall(r"^make ([a-z]+) </dev/null$", (ROOT / ".ci/run").read_text("utf-8"), re.MULTILINE)
    assert commands == ["lint", "coverage", "test", "smoke"]
    assert set(commands) <= TARGETS


def test_the_dev_container_is_set_up_by_targets_of_the_makefile() -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
    make, *targets = container["postCreateCommand"].split()
    assert make == "make"
    assert set(targets) <= TARGETS


def test_the_dev_container_forwards_the_port_of_every_page_of_the_stack() -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
    pages = ("subscription", "notifier", "ops", "mail")
    assert sorted(container["forwardPorts"]) == sorted(FIXED_PORTS[name] for name in pages)


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["project"]["version"] == VERSION
    newest = re.search(r"^## .*?([0-9]+\.[0-9]+\.[0-9]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == VERSION


def test_every_package_that_is_shipped_carries_its_types() -> None:
    shipped = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert all((ROOT / package / "py.typed").is_file() for package in shipped)


def test_the_image_is_built_from_every_package_that_is_shipped() -> None:
    copied = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!{package}" for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]} <= set(
        copied
    )


def test_no_module_has_more_than_300_lines() -> None:
    folders = ("shared", "subscription_service", "notifier_service", "tenure", "benchmarks", "tests")
    modules = [module for folder in folders for module in (ROOT / folder).rglob("*.py")]
    assert [module for module in modules if len(module.read_text("utf-8").splitlines()) > 300] == []
