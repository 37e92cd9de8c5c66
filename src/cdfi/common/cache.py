"""The folder that keeps downloads and decoded training data."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return ``CDFI_CACHE`` if it is set, else ``cdfi`` in the platform's cache folder."""
    if chosen := os.environ.get("CDFI_CACHE"):
        return Path(chosen).expanduser()
    return user_cache_path("cdfi", appauthor=False, opinion=False)


def training_cache() -> Path:
    """Return the folder of decoded training data, inside :func:`cache_folder`."""
    return cache_folder() / "training"
