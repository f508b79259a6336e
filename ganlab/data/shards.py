"""Finished work on photos, kept in small files until all is done, so that an interrupted command goes on where it was."""

import json
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ganlab.data.crops import Box
from ganlab.storage.writing import replacing

_DAMAGE = (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Photo:
    """What became of one photo.

    Attributes:
        name: in its folder or zip.
        box: the part that became an image, or None.
        reason: why there is no image, or None.
    """

    name: str
    box: Box | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Shard:
    """A few photos in the order of their names, and the images `(n, size, size, 3)`, uint8, of those that gave one."""

    photos: list[Photo]
    images: np.ndarray

    def first(self, count: int) -> "Shard":
        """Up to and with the photo that gave the image number `count`; all if there are no more than that."""
        if count >= len(self.images):
            return self
        numbers = np.cumsum([photo.box is not None for photo in self.photos])
        return Shard(self.photos[: int(np.searchsorted(numbers, count)) + 1], self.images[:count])


def write_shard(path: Path, shard: Shard) -> None:
    """Writes it whole or not at all."""
    photos = json.dumps([asdict(photo) for photo in shard.photos]).encode()
    with replacing(path) as temporary:
        np.savez(temporary, images=shard.images, photos=np.frombuffer(photos, np.uint8))


def read_shard(path: Path, names: list[str], size: int) -> Shard | None:
    """The shard of these photos; None if there is none or it is damaged, so that its work is done again."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, photos = arrays["images"], json.loads(arrays["photos"].tobytes())
        photos = [Photo(p["name"], tuple(p["box"]) if p["box"] else None, p["reason"]) for p in photos]
    except _DAMAGE:
        return None
    count = sum(photo.box is not None for photo in photos)
    fits = images.shape == (count, size, size, 3) and images.dtype == np.uint8
    return Shard(photos, images) if fits and [photo.name for photo in photos] == names else None
