"""Writing files whole or not at all, and only while this process may."""

import contextlib
import glob
import io
import json
import math
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ganlab.errors import GanlabError

_guards: dict[Path, Callable[[], None]] = {}


@contextlib.contextmanager
def guarding(folder: Path, check: Callable[[], None]) -> Iterator[None]:
    """Has `check` asked, by whichever thread writes, before anything below `folder` is put into place, appended or removed.

    It raises if this process may no longer write there, as one whose lock went to another while it was stopped.
    """
    _guards[folder] = check
    try:
        yield
    finally:
        del _guards[folder]


def permit(path: Path) -> None:
    """Raises what the guard of a folder above `path` raises."""
    for folder, check in list(_guards.items()):
        if path.is_relative_to(folder):
            check()


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Gives a temporary path beside `path` and moves it there, flushed, when the block ends well.

    The suffixes stay at the end: writers such as numpy.savez and Keras decide by them. The name is random, because two
    processes, also of two hosts, may write the same file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    with naming(path):
        try:
            yield temporary
            flush(temporary)
            move(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def half_written(path: Path) -> list[Path]:
    """What killed processes have left of `replacing(path)`."""
    return list(path.parent.glob(f".{'[0-9a-f]' * 8}-{glob.escape(path.name)}"))


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Lets an OSError of the block say which file it is about: that of a failed write, as on a full disk, does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        if error.errno:
            error.strerror = os.strerror(error.errno)  # HDF5 puts a paragraph of its own there
        raise


def move(temporary: Path, path: Path) -> None:
    """Renames what is flushed, and makes the new name reach the disk."""
    permit(path)
    os.replace(temporary, path)
    flush(path.parent)


def append_text(path: Path, text: str) -> None:
    """Appends whole lines, all of them or none. A torn last line, left by a process that was killed, is cut off first."""
    permit(path)
    with naming(path), path.open("ab+", buffering=0) as file:
        file.seek(0)
        there = file.read()
        file.truncate(there.rfind(b"\n") + 1)
        append_bytes(file, text.encode("utf-8"))


def append_bytes(file: io.FileIO, content: bytes) -> None:
    """Appends to an unbuffered file, all of it or nothing: what a full disk took of it is cut off again."""
    end = file.seek(0, os.SEEK_END)
    try:
        while content:
            content = content[file.write(content) :]
    except BaseException:  # a second Ctrl-C, too
        with contextlib.suppress(OSError):
            file.truncate(end)
        raise


def flush(path: Path) -> None:
    """Makes a file's bytes, or a folder's entries, reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget_cached(path: Path) -> None:
    """Lets the system forget a flushed file's bytes, where it can, so that reading it back asks the disk."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """A JSON file's value.

    Raises: GanlabError, one line that names the file, for damage.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_float=_finite, parse_constant=_finite)
    except RecursionError as error:
        raise GanlabError(f"{path}: damaged JSON: nested too deeply") from error
    except ValueError as error:
        raise GanlabError(f"{path}: damaged JSON: {error}") from error


def _finite(text: str) -> float:
    """The number of a JSON file, where `write_json` writes neither NaN nor infinity."""
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no finite number")
    return value
