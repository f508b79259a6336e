"""The cache folder: what is expensive to make or fetch, kept for all runs of a user."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import platformdirs

from ganlab.errors import ConfigError, GanlabError
from ganlab.paths import user_path
from ganlab.storage.writing import half_written, replacing


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
    """Returns `path`, after having its content made if it is not there.

    Safe between processes: one computes, the others wait for it. A crash leaves no half file, because the
    content is made in a temporary file of the same folder (and with the same suffixes), flushed to disk and
    then renamed.

    Args:
        path: where the content belongs.
        compute: writes the whole content to the path it is given.
        is_valid: tells whether what stands at a path is usable; what is not is computed again.

    Raises:
        GanlabError: if the folder cannot be written or the content cannot be made for a reason of the system.
    """
    path = Path(path)
    try:
        if _is_ready(path, is_valid):
            return path
        with one_at_a_time(path):
            if not _is_ready(path, is_valid):  # another process may have made it while we waited
                for left in half_written(path):  # by processes that were killed: we hold the lock, so none is at it
                    left.unlink(missing_ok=True)
                with replacing(path) as temporary:
                    compute(temporary)
    except OSError as error:
        raise GanlabError(f"{path}: cannot be made: {error}. GANLAB_CACHE names another cache folder.") from error
    return path


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Lets one process at a time make what belongs at `path`; a lock beside it, which the system frees of a dead process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path.with_name(path.name + ".lock")):
        yield


def _is_ready(path: Path, is_valid: Callable[[Path], bool] | None) -> bool:
    return path.exists() and (is_valid is None or is_valid(path))
