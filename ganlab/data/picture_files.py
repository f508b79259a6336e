"""Where a user's own pictures lie: a folder with its sub-folders, or a zip that is read without unpacking."""

import hashlib
import os
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NoReturn

from ganlab.errors import GanlabError
from ganlab.storage.unpacking import MOST_RATIO, is_bomb, sha256_of

# The formats of Pillow that start no other program, by their names there. Of a film, the first picture is read.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
}
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
_ARRAYS = (".npy", ".npz", ".h5", ".hdf5", ".mat", ".pkl", ".pt")

_MOST_BYTES = 256 * 2**20  # of one picture
_MOST_SHOWN = 5  # names in a note
_PIECES, _PIECE_BYTES = 16, 4096  # of a large file, for the key of a folder's content


class Pictures(ABC):
    """Pictures in a folder or zip.

    Attributes:
        path: of the folder or zip.
        names: of the pictures in it, sorted.
        left_out: the other files, sorted, without hidden ones: no pictures, pipes, devices, links that lead nowhere.
    """

    path: Path
    names: list[str]
    left_out: list[str]

    @property
    def note(self) -> str | None:
        """A line about the files that were left out, or None."""
        if not self.left_out:
            return None
        shown = [_in_one_line(name) for name in self.left_out[:_MOST_SHOWN]] + ["..."] * (
            len(self.left_out) > _MOST_SHOWN
        )
        verb = "is no picture" if len(self.left_out) == 1 else "are no pictures"
        total = len(self.names) + len(self.left_out)
        return f"{len(self.left_out)} of {total} files {verb} that can be read: {', '.join(shown)}"

    @abstractmethod
    def shown(self, name: str) -> str:
        """A picture's name in messages."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """A picture's bytes; may be called from several threads. Raises: OSError."""

    @abstractmethod
    def content_key(self, names: Sequence[str]) -> str:
        """A hash that changes when one of these pictures changes."""

    def close(self) -> None:  # noqa: B027 - a folder stays closed
        """Closes the files that stay open."""


class PictureFolder(Pictures):
    """The pictures of a folder, of its sub-folders, and of folders that links in it lead to; names are relative paths."""

    def __init__(self, path: Path):
        self.path, self.names, self.left_out = path, [], []
        try:
            for name in sorted(self._walk()):
                is_read = is_picture(name) and (path / name).is_file()
                (self.names if is_read else self.left_out).append(name)
        except OSError as error:
            raise GanlabError(f"{error.filename or path}: cannot be listed: {error.strerror}.") from error

    def _walk(self) -> Iterator[str]:
        def stop(error: OSError) -> NoReturn:
            raise error

        roots = [self.path.resolve()]
        for folder, folders, files in os.walk(self.path, onerror=stop, followlinks=True):
            yield from (name for name in (self._relative(folder, file) for file in files) if not _is_ignored(name))
            folders.sort()  # the first of two links to one folder is followed
            for link in [name for name in folders if os.path.islink(os.path.join(folder, name))]:
                target = Path(folder, link).resolve()
                if any(target.is_relative_to(root) or root.is_relative_to(target) for root in roots):
                    folders.remove(link)
                    yield f"{self._relative(folder, link)} (a link to a folder that is read anyway)"
                else:
                    roots.append(target)

    def _relative(self, folder: str, name: str) -> str:
        return Path(folder, name).relative_to(self.path).as_posix()

    def shown(self, name: str) -> str:
        return _in_one_line(str(self.path / name))

    def read(self, name: str) -> bytes:
        path = self.path / name
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise OSError(f"it has {size} bytes, expected at most {_MOST_BYTES}")
        return path.read_bytes()

    def content_key(self, names: Sequence[str]) -> str:
        """Hashes the folder's path and each picture's name, size, time and bytes; of large files, pieces of the bytes."""
        digest = hashlib.sha256(f"folder {self.path.resolve()}\0".encode(errors="surrogateescape"))
        for name in names:
            try:
                with open(self.path / name, "rb") as file:
                    found = os.fstat(file.fileno())
                    digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode(errors="surrogateescape"))
                    last = max(0, found.st_size - _PIECE_BYTES)
                    for place in sorted({last * piece // (_PIECES - 1) for piece in range(_PIECES)}):
                        file.seek(place)
                        digest.update(file.read(_PIECE_BYTES))
            except OSError as error:
                raise GanlabError(f"{self.shown(name)}: cannot be read: {error.strerror}.") from error
        return digest.hexdigest()


class PictureZip(Pictures):
    """The pictures of a zip; names are its members. A hostile member makes the whole zip an error."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise GanlabError(f"{path}: cannot be read as a zip: {_in_one_line(str(error))}.") from error
        members = [m for m in self._archive.infolist() if not m.is_dir() and not _is_ignored(m.filename)]
        for member in members:
            self._refuse_if_hostile(member)
        self._members = {member.filename: member for member in members}
        self.names = sorted(filter(is_picture, self._members))
        self.left_out = sorted(self._members.keys() - set(self.names))

    def _refuse_if_hostile(self, member: zipfile.ZipInfo) -> None:
        parts = member.filename.replace("\\", "/").split("/")
        reason = None
        if parts[0] == "" or parts[0].endswith(":") or ".." in parts:
            reason = "its path leads outside of the zip"
        elif stat.S_ISLNK(member.external_attr >> 16):
            reason = "it is a link"
        elif member.flag_bits & 1:
            reason = "it is encrypted"
        elif member.file_size > _MOST_BYTES:
            reason = f"it unpacks to {member.file_size} bytes, expected at most {_MOST_BYTES}"
        elif is_bomb(member.file_size, member.compress_size):
            reason = f"it unpacks to more than {MOST_RATIO} times its size"
        if reason:
            raise GanlabError(f"{self.shown(member.filename)}: refused: {reason}.")

    def shown(self, name: str) -> str:
        return _in_one_line(f"{self.path}: member {name}")

    def read(self, name: str) -> bytes:
        try:
            return self._archive.read(self._members[name])
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
            raise OSError(str(error)) from error

    def content_key(self, names: Sequence[str]) -> str:
        """The zip's sha256."""
        return sha256_of(self.path)

    def close(self) -> None:
        self._archive.close()


def open_pictures(path: Path) -> Pictures:
    """The pictures below a folder or in a zip.

    Raises:
        GanlabError: if the path is neither, cannot be read, holds no picture, or is a hostile zip.
    """
    if not path.is_dir() and not path.is_file():
        raise GanlabError(f"{path}: expected a folder or a zip of pictures, received a pipe, a device or nothing.")
    if path.is_file() and (hint := _hint_at_arrays([path.name])):
        raise GanlabError(f"{path}: expected a folder or a zip of pictures.{hint}")
    pictures = PictureFolder(path) if path.is_dir() else PictureZip(path)
    if not pictures.names:
        there = f" ({pictures.note})" if pictures.note else ""
        hint = _hint_at_arrays(pictures.left_out)
        raise GanlabError(f"{path}: expected pictures ({', '.join(SUFFIXES)}), found none{there}.{hint}")
    return pictures


def _hint_at_arrays(names: Sequence[str]) -> str:
    """A hint at arrays among files."""
    if any(PurePosixPath(name).suffix.lower() in _ARRAYS for name in names):
        return " Arrays are not read here: write each image as a PNG file first (docs/config.md#data)."
    return ""


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _is_ignored(name: str) -> bool:
    """Whether a path is hidden, or was added by macOS or Windows."""
    # A part of dots only is a path step, not a hidden file: the check for hostile members must see it.
    parts = name.replace("\\", "/").split("/")
    if parts[0] == "__MACOSX" or parts[-1].lower() in ("thumbs.db", "desktop.ini"):
        return True
    return any(part.startswith(".") and part.strip(".") for part in parts)


def _in_one_line(text: str) -> str:
    return text if text.isprintable() else repr(text)
