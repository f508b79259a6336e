"""Files of unknown origin: how damage is reported, their checksum, and how many bytes may come out of a packed file."""

import contextlib
import gzip
import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ganlab.errors import GanlabError

MOST_RATIO = 200  # unpacked to packed; honest images and labels stay below 10
_RATIO_MATTERS_FROM = 2**20
MOST_TAR_BYTES = 2**29  # CIFAR-10 has 184 million, the archive of the Inception graph 95


def broken(path: Path, reason: object) -> GanlabError:
    """The error for a damaged file, always one line."""
    reason = " ".join(str(reason).split()).rstrip(".") or "cannot be read"
    return GanlabError(f"{path}: broken data file: {reason}. Replace it by a whole copy, or remove it.")


def sha256_of(path: Path) -> str:
    """The sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_bomb(unpacked: int, packed: int) -> bool:
    """Whether no honest file unpacks from `packed` to `unpacked` bytes."""
    return unpacked > _RATIO_MATTERS_FROM and unpacked > MOST_RATIO * packed


@contextlib.contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Opens a gzipped tar for one pass from its beginning to its end; writes nothing to disk.

    Raises:
        tarfile.ReadError: when more than MOST_TAR_BYTES were unpacked. Damage raises the errors of gzip and tarfile.
    """
    with gzip.open(path) as content, tarfile.open(fileobj=_Bounded(content), mode="r|") as archive:
        yield archive


class _Bounded:
    """A stream that may be read up to a limit. Skipped members, links and headers count, because they are unpacked too."""

    def __init__(self, content: BinaryIO):
        self.content, self.left = content, MOST_TAR_BYTES

    def read(self, size: int) -> bytes:
        self.left -= size
        if self.left < 0:
            raise tarfile.ReadError(f"unpacks to more than {MOST_TAR_BYTES} bytes")
        return self.content.read(size)
