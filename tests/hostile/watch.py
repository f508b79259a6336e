"""Whether anything reads or changes what lies in a folder: the system tells (inotify, so Linux only), whichever library did it."""

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

# Access, modify, attributes, open, moved from and to, create, delete. Asking whether something exists is none of them.
_EVENTS = 0x1 | 0x2 | 0x4 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200
_HEAD = struct.Struct("iIII")


@contextlib.contextmanager
def watching(folder: Path) -> Iterator[Callable[[], set[str]]]:
    """Gives a function that names what was touched in the folder, at any depth, since it was last asked."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        folders = {}
        for path in [folder, *(below for below in folder.rglob("*") if below.is_dir())]:
            number = libc.inotify_add_watch(descriptor, os.fsencode(path), _EVENTS)
            if number < 0:
                raise OSError(ctypes.get_errno(), "no inotify", str(path))
            folders[number] = path
        yield lambda: set(_names(descriptor, folders))
    finally:
        os.close(descriptor)


def _names(descriptor: int, folders: dict[int, Path]) -> Iterator[str]:
    while True:
        try:
            events = os.read(descriptor, 2**16)
        except BlockingIOError:
            return
        while events:
            number, _, _, length = _HEAD.unpack_from(events)
            name, events = events[_HEAD.size : _HEAD.size + length], events[_HEAD.size + length :]
            yield str(folders[number] / os.fsdecode(name.rstrip(b"\0")))
