"""Fixtures for all tests; the real parts live in `tests/parts.py`. In CI a skipped test is a failed one."""

import os
from collections.abc import Generator

import pytest

pytest_plugins = ["tests.parts"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip hides what nobody looks at: where `CI` is set, nothing may be skipped."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
