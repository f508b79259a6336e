"""Makes the n-th file operation below a folder fail, or the process die at it.

Operations are those that change the disk and that Python is asked for: opening for writing, writing, fsync, rename, mkdir and
removing; and HDF5 files opened for writing. What HDF5 writes inside one call is beyond this: see test_disks.
"""

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path

import h5py

FAULTS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "kill": None}
NEEDS_SPACE = ("open", "write", "mkdir", "fsync")


class Injector:
    """Patches this process for good; call it in one that is about to end.

    Args:
        folder: below which operations count.
        fault: EIO (once), ENOSPC (from then on, for what needs space) or kill; None only counts.
        at: number of the operation, from 0.
    """

    def __init__(self, folder: Path, fault: str | None = None, at: int = -1):
        self.folder, self.fault, self.at = str(folder), fault, at
        self.names: list[str] = []

    def install(self) -> None:
        for name, kind in (("mkdir", "mkdir"), ("unlink", "unlink"), ("rmdir", "rmdir"), ("replace", "rename")):
            setattr(os, name, self._on_path(getattr(os, name), kind))
        fsync, opened, initialise = os.fsync, io.open, h5py.File.__init__

        def checked_fsync(descriptor):
            self.before("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
            return fsync(descriptor)

        def checked_open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **more):
            if isinstance(file, int) or not set(mode) & set("wax+") or not self._is_below(file):
                return opened(file, mode, buffering, encoding, errors, newline, **more)
            self.before("open", file)
            binary = mode.replace("b", "").replace("t", "")
            raw = _File(file, binary, self)
            if buffering == 0:
                return raw
            buffered = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

        def checked_initialise(file, name, mode="r", *words, **more):
            if mode != "r" and isinstance(name, str | Path) and self._is_below(name):
                self.before("open", name)
            initialise(file, name, mode, *words, **more)

        os.fsync, h5py.File.__init__ = checked_fsync, checked_initialise
        io.open = checked_open
        builtins.open = checked_open

    def _on_path(self, function: Callable, kind: str) -> Callable:
        def checked(path, *more, **options):
            # shutil.rmtree names what it removes from an open folder.
            folder = "" if options.get("dir_fd") is None else os.readlink(f"/proc/self/fd/{options['dir_fd']}")
            if self._is_below(os.path.join(folder, path)):
                self.before(kind, os.path.join(folder, path))
            return function(path, *more, **options)

        return checked

    def _is_below(self, path) -> bool:
        return os.path.abspath(os.fspath(path)).startswith(self.folder)

    def before(self, kind: str, path, partly: Callable[[], None] = lambda: None) -> None:
        """Counts an operation, and lets it fail where that is due; `partly` does half of it first."""
        number = len(self.names)
        self.names.append(f"{kind} {os.path.relpath(path, self.folder)}" if self._is_below(path) else kind)
        if self.fault == "kill" and number == self.at:
            partly()
            os.kill(os.getpid(), signal.SIGKILL)
        due = number == self.at or (self.fault == "ENOSPC" and 0 <= self.at < number and kind in NEEDS_SPACE)
        if due and self.fault:
            partly()
            named = [] if kind in ("write", "fsync") else [os.fspath(path)]  # as the system's own errors are
            raise OSError(FAULTS[self.fault], os.strerror(FAULTS[self.fault]), *named)


class _File(io.FileIO):
    """A file whose writes are operations."""

    def __init__(self, path, mode: str, injector: Injector):
        super().__init__(path, mode)
        self.injector = injector

    def write(self, content) -> int:
        content = bytes(content)
        self.injector.before("write", self.name, lambda: io.FileIO.write(self, content[: len(content) // 2]))
        return super().write(content)
