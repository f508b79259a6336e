"""A loaded data set: real samples, labels where there are some, and a fingerprint of the samples."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganlab.config.schema import Form


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Attributes:
        images: uint8 images `(N, H, W, C)`; data that is not an image is float32, such as points `(N, 2)`.
        labels: int64 classes `(N,)`, or None where the data set has none.
    """

    images: np.ndarray
    labels: np.ndarray | None = None

    def __post_init__(self):
        if self.labels is not None and self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"labels: expected the shape {self.images.shape[:1]}, received {self.labels.shape}.")

    @property
    def count(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Dataset:
    """Real data, ready to train on.

    Attributes:
        name: the registered name, such as `mnist`.
        train: what a network is trained on, after `limit`, `image_size` and `grayscale`.
        test: what was held back, treated the same (without the limit), or None.
        fingerprint: `fingerprint_of(train.images)`.
        class_names: the name of each label, or None.
        source: where the samples were read, for people.
    """

    name: str
    train: Split
    test: Split | None
    fingerprint: str
    class_names: tuple[str, ...] | None
    source: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: `(H, W, C)` for images, `(2,)` for points."""
        return tuple(self.train.images.shape[1:])

    @property
    def form(self) -> Form:
        """What networks must know of the data."""
        labels = self.train.labels
        classes = None if labels is None else len(self.class_names or range(int(labels.max()) + 1))
        return Form(self.shape, classes)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays a step may read rows of."""
        labels = self.train.labels
        return {"images": self.train.images} | ({} if labels is None else {"labels": labels.astype(np.int32)})

    @property
    def count(self) -> int:
        """How many training samples there are."""
        return self.train.count


def fingerprint_of(images: np.ndarray) -> str:
    """The sha256, in hex, over dtype, shape and bytes (little-endian, C order) of any array."""
    images = np.ascontiguousarray(images, dtype=images.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{images.dtype.str} {images.shape}\n".encode())
    digest.update(images.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def listed(name: str, found: str, shape: Sequence[int] | None = None, classes: int | None = None) -> dict:
    """A row of `ganlab data` with all its keys; see `registry.list_datasets`."""
    row = dict.fromkeys(("name", "found", "train", "test", "shape", "classes", "checksum", "problem"))
    return row | {"name": name, "found": found, "shape": shape and list(shape), "classes": classes}
