"""Fixtures for all tests; the real parts live in `tests/parts.py`."""

pytest_plugins = ["tests.parts"]
