"""The cache folder: downloads and computed files that all runs of a user share."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import platformdirs

from ganlab.errors import ConfigError, GanlabError
from ganlab.paths import user_path
from ganlab.storage.writing import half_written, replacing

ADVICE = "GANLAB_CACHE names another cache folder."


def cache_folder() -> Path:
    """$GANLAB_CACHE, or the user's cache folder for ganlab. The folder may not exist yet.

    Raises: ConfigError if neither is there: a user of a container may have no home folder.
    """
    if chosen := os.environ.get("GANLAB_CACHE"):
        return user_path(chosen)
    with contextlib.suppress(RuntimeError):  # newer versions raise; older ones leave the `~`
        folder = Path(platformdirs.user_cache_dir("ganlab", appauthor=False))
        if folder.is_absolute():
            return folder
    raise ConfigError("this user has no home folder; set GANLAB_CACHE to a folder for the cache")


def compute_once(path: Path, compute: Callable[[Path], None], is_valid: Callable[[Path], bool] | None = None) -> Path:
    """Returns `path`; computes the file first if there is none.

    One process computes, the others wait. The content goes to a temporary file in the same folder (with the same suffixes),
    is flushed to disk and then renamed, so a crash leaves no half file under `path`.

    Args:
        path: of the file.
        compute: writes the whole content to the path it is given.
        is_valid: whether a file can be used; any other is computed again.

    Raises:
        GanlabError: if the folder cannot be written, or the system fails while the content is computed.
    """
    path = Path(path)
    try:
        if _is_ready(path, is_valid):
            return path
        with one_at_a_time(path):
            if not _is_ready(path, is_valid):  # another process may have computed it meanwhile
                for left in half_written(path):  # by killed processes: this process holds the lock
                    left.unlink(missing_ok=True)
                with replacing(path) as temporary:
                    compute(temporary)
    except OSError as error:
        raise GanlabError(f"{path}: cannot be made: {error}. {ADVICE}") from error
    return path


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Lets one process at a time compute the file at `path`, by a lock file beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with acquired(path.with_name(path.name + ".lock"), ADVICE):
        yield


def acquired(path: Path, advice: str, **waiting: float) -> filelock.AcquireReturnProxy:
    """Takes the lock of a lock file. The system frees the lock when its process ends, however it ends.

    Args:
        path: of the lock file.
        advice: ends the message about a file system without locks, as some network file systems are.
        waiting: `timeout` and `poll_interval` of `filelock.FileLock.acquire`.

    Raises:
        filelock.Timeout: if another process holds the lock.
        GanlabError: if the file system refuses to lock.
    """
    try:
        return filelock.FileLock(path).acquire(**waiting)
    except OSError as error:
        if error.filename or isinstance(error, filelock.Timeout):  # a refused lock has no file name
            raise
        raise GanlabError(
            f"{path}: its file system refuses to lock it ({error.strerror or error}). {advice}"
        ) from error


def _is_ready(path: Path, is_valid: Callable[[Path], bool] | None) -> bool:
    return path.exists() and (is_valid is None or is_valid(path))
