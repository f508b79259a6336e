"""Where a user's own pictures lie: a folder with its sub-folders, or a zip, read without unpacking."""

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ganlab.errors import GanlabError
from ganlab.storage.unpacking import MOST_RATIO, is_bomb

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

_MOST_BYTES = 256 * 2**20  # of one member, unpacked


class PictureFolder:
    """The pictures of a folder; `names` are paths relative to it, sorted."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.names = sorted(name for name in self._walk() if is_picture(name))
        except OSError as error:
            raise GanlabError(f"{error.filename or path}: cannot be listed: {error.strerror}.") from error

    def _walk(self):
        def stop(error: OSError):
            raise error

        for folder, _, files in os.walk(self.path, onerror=stop):
            for file in files:
                yield Path(folder, file).relative_to(self.path).as_posix()

    def shown(self, name: str) -> str:
        """How a message names a picture."""
        return _in_one_line(str(self.path / name))

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        return (self.path / name).read_bytes()

    def content_key(self, names: Sequence[str]) -> str:
        """Changes when one of these files does, as far as names, sizes and times tell."""
        digest = hashlib.sha256(b"folder")
        for name in names:
            try:
                found = (self.path / name).stat()
            except OSError as error:
                raise GanlabError(f"{self.shown(name)}: cannot be read: {error.strerror}.") from error
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing stays open."""


class PictureZip:
    """The pictures of a zip; `names` are its members, sorted. One hostile member, and all is refused."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise GanlabError(f"{path}: cannot be read as a zip: {_in_one_line(str(error))}.") from error
        self._members = {}
        for member in self._archive.infolist():
            if not member.is_dir() and not _is_ignored(member.filename):
                self._refuse_if_hostile(member)
                if is_picture(member.filename):
                    self._members[member.filename] = member
        self.names = sorted(self._members)

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
        """How a message names a picture."""
        return _in_one_line(f"{self.path}: member {name}")

    def read(self, name: str) -> bytes:
        """The member's bytes; safe to call from several threads."""
        try:
            return self._archive.read(self._members[name])
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
            raise OSError(str(error)) from error

    def content_key(self, names: Sequence[str]) -> str:
        """The zip's sha256."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def close(self) -> None:
        """Closes the zip."""
        self._archive.close()


Pictures = PictureFolder | PictureZip


def open_pictures(path: Path) -> Pictures:
    """The pictures below a folder or in a zip.

    Raises:
        GanlabError: if it cannot be read, holds no picture, or is a hostile zip.
    """
    pictures = PictureFolder(path) if path.is_dir() else PictureZip(path)
    if not pictures.names:
        raise GanlabError(f"{path}: expected pictures ({', '.join(SUFFIXES)}), found none.")
    return pictures


def is_picture(name: str) -> bool:
    """Tells by the name; dot files and what macOS adds to zips are not pictures."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not _is_ignored(name)


def _is_ignored(name: str) -> bool:
    # A part of dots only is a path step, not a dot file: it must reach the check for hostile members.
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "__MACOSX" or any(part.startswith(".") and part.strip(".") for part in parts)


def _in_one_line(text: str) -> str:
    return text if text.isprintable() else repr(text)
