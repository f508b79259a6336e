"""How much may come out of a packed file: what promises or gives more is refused before it fills the memory."""

import contextlib
import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MOST_RATIO = 200  # unpacked to packed; honest images and labels stay below 10
_RATIO_MATTERS_FROM = 2**20
MOST_TAR_BYTES = 2**29  # CIFAR-10 has 184 million, the archive of the Inception graph 95


def is_bomb(unpacked: int, packed: int) -> bool:
    """Whether so many unpacked bytes cannot honestly come out of so many packed ones."""
    return unpacked > _RATIO_MATTERS_FROM and unpacked > MOST_RATIO * packed


@contextlib.contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """A gzipped tar to be read once from its beginning to its end; nothing is written to disk.

    Raises:
        tarfile.ReadError: when more than MOST_TAR_BYTES have come out of it. What gzip and tarfile raise for damage.
    """
    with gzip.open(path) as content, tarfile.open(fileobj=_Bounded(content), mode="r|") as archive:
        yield archive


class _Bounded:
    """Reads a stream up to a limit. Members that are skipped, links and headers count, for they are unpacked as well."""

    def __init__(self, content: BinaryIO):
        self.content, self.left = content, MOST_TAR_BYTES

    def read(self, size: int) -> bytes:
        self.left -= size
        if self.left < 0:
            raise tarfile.ReadError(f"unpacks to more than {MOST_TAR_BYTES} bytes")
        return self.content.read(size)
