"""Paths from outside: a command line, a config, or an environment variable."""

import os
from pathlib import Path

from ganlab.errors import ConfigError


def user_path(written: str | os.PathLike) -> Path:
    """The path that a user wrote, with `~` and `~NAME` as home folders. `~NAME` of nobody is a plain name.

    Raises: ConfigError if this user has no home folder.
    """
    path = os.path.expanduser(written)
    if path == "~" or path.startswith("~/"):
        raise ConfigError(f"{written}: this user has no home folder; write the whole path")
    return Path(path)


def own_data_folder() -> Path | None:
    """$GANLAB_DATA, the folder where a user keeps data sets."""
    chosen = os.environ.get("GANLAB_DATA")
    return user_path(chosen) if chosen else None
