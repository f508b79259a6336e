"""A folder from someone else must not lead its reader anywhere else: neither a run folder nor a folder of results."""

import os
import stat
from pathlib import Path

from ganlab.errors import GanlabError


def require_contained(folder: Path) -> None:
    """Refuses a run folder in which something is no file or folder of its own: ganlab makes neither links nor pipes there.

    A link would have a command read from, or write to, wherever it points; a pipe would have it wait for ever. The folder
    itself may be reached by a link.

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
    """Refuses a path below a folder of results if a part of it is a link, a pipe or a device; it need not exist.

    The folder of results itself may be reached by a link.

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
