"""The version of the installed package, which both services report."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("tenure")
