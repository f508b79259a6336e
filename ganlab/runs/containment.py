"""Refuses links, pipes and devices in run folders and folders of results: someone else may have made the folder."""

import os
import stat
from pathlib import Path

from ganlab.errors import GanlabError


def require_contained(folder: Path) -> None:
    """Refuses a run folder that contains links, pipes or devices.

    A command would read or write the target of a link, and wait for ever at a pipe. The folder itself may be a link.

    Raises:
        GanlabError: one line that names the entry.
    """
    waiting = [os.fspath(folder)]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        raise GanlabError(f"{entry.path}: refused: a link, in a run folder")
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif not entry.is_file(follow_symlinks=False):
                        raise GanlabError(f"{entry.path}: refused: no regular file, in a run folder")
    except OSError as error:
        raise GanlabError(f"{error.filename or folder}: cannot be listed: {error.strerror}") from error


def require_unlinked(results: Path, path: Path) -> None:
    """Refuses a path below a folder of results if a part of the path is a link, a pipe or a device.

    The path need not exist. The folder of results itself may be a link.

    Raises:
        GanlabError: one line that names the part.
    """
    for part in (path, *path.parents):
        if part == results:
            return
        try:
            mode = part.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISLNK(mode):
            raise GanlabError(f"{part}: refused: a link, in a folder of results")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise GanlabError(f"{part}: refused: no regular file, in a folder of results")
