"""The user's cache: what Tenure has fetched, each file checked against a lock of ours."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder; it may not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "tenure"
