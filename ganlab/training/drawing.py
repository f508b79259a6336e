"""Draws the pictures of a run. A picture that fails does not fail its run."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from ganlab.errors import LockedError
from ganlab.runs.folder import RunFolder


class Pictures:
    """Draws pictures into one run folder, and remembers the pictures that could not be drawn.

    Attributes:
        failed: names of these pictures below the folder. status.json keeps them as `not_drawn`.
    """

    def __init__(self, folder: RunFolder):
        self.folder = folder
        self.failed: list[str] = folder.status().get("not_drawn", [])

    def draw(self, path: Path, write: Callable[[], object]) -> None:
        """Calls `write`, which draws the picture `path`. A failure is one line on standard error.

        Raises: the errors that `is_fatal` names.
        """
        try:
            write()
        except Exception as error:
            if is_fatal(error, self.folder):
                raise
            self._remember(path, failed=True)
            warn(f"{path}: not drawn", error)
        else:
            self._remember(path, failed=False)

    def _remember(self, path: Path, failed: bool) -> None:
        name = str(path.relative_to(self.folder.path))
        if failed == (name in self.failed):
            return
        self.failed = [*self.failed, name] if failed else [other for other in self.failed if other != name]
        if status := self.folder.status():
            self.folder.set_status(status["status"], not_drawn=self.failed)


def is_fatal(error: Exception, folder: RunFolder) -> bool:
    """Whether an error in pictures or metrics must stop the run.

    This holds if another process owns the run, and if a file of the run folder could not be written, as on a full disk: the
    same command then resumes the run and writes the file. An OSError without a file's name counts as one of the run folder.
    """
    if isinstance(error, OSError):
        return not isinstance(error.filename, str) or Path(error.filename).is_relative_to(folder.path)
    return isinstance(error, LockedError)


def warn(words: str, error: Exception, advice: str = "") -> None:
    """Prints one line on standard error: the words, the error and the advice."""
    line = " ".join(f"{words}: {type(error).__name__}: {error}".split())[:500]
    with contextlib.suppress(OSError, ValueError):  # standard error is closed
        print("; ".join(filter(None, (line, advice))), file=sys.stderr)
