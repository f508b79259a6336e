"""A loaded data set: samples, labels, and a fingerprint of the samples."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganlab.config.schema import Form


@dataclass(frozen=True)
class Split:
    """The training or the test part of a data set.

    Attributes:
        images: uint8 images `(N, H, W, C)`, or float32 for data that are no images, such as points `(N, 2)`.
        labels: int64 classes `(N,)`, or None for data without labels.

    Raises: ValueError for other types and for labels of another number.
    """

    images: np.ndarray
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.images.dtype not in (np.uint8, np.float32):
            raise ValueError(f"images: expected uint8 or float32, received {self.images.dtype}.")
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
        train: the training samples, after `limit`, `image_size` and `grayscale`.
        test: the held-out samples after `image_size` and `grayscale`, or None.
        fingerprint: `fingerprint_of(train.images)`.
        class_names: the name of each label, or None.
        source: where the samples were read, for people.
        note: one line for people if the data are not what their name or folder promises, such as files that were left out.
    """

    name: str
    train: Split
    test: Split | None
    fingerprint: str
    class_names: tuple[str, ...] | None
    source: str
    note: str | None = None

    def label_fingerprint(self, split: str = "train") -> str | None:
        """`fingerprint_of` the labels of a split; None without labels, and for published labels, which follow from the images."""
        labels = getattr(self, split).labels
        are_published = self.note is None and self.name != "folder"
        return None if labels is None or are_published else fingerprint_of(labels)

    def origin(self, split: str = "train", with_labels: bool = False) -> str:
        """A sha256 that names the samples of a split, together with their labels if someone reads them."""
        images = self.fingerprint if split == "train" else fingerprint_of(getattr(self, split).images)
        labels = self.label_fingerprint(split) if with_labels else None
        return images if labels is None else hashlib.sha256(f"{images} {labels}".encode()).hexdigest()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: `(H, W, C)` for images, `(2,)` for points."""
        return tuple(self.train.images.shape[1:])

    @property
    def form(self) -> Form:
        """Shape of a sample and number of classes: the facts that networks are built from."""
        labels = self.train.labels
        classes = None if labels is None else len(self.class_names or range(int(labels.max()) + 1))
        return Form(self.shape, classes)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays from which a training step reads rows."""
        labels = self.train.labels
        return {"images": self.train.images} | ({} if labels is None else {"labels": labels.astype(np.int32)})

    @property
    def count(self) -> int:
        """Number of training samples."""
        return self.train.count


def fingerprint_of(images: np.ndarray) -> str:
    """The sha256, in hex, over dtype, shape and bytes (little-endian, C order) of any array."""
    images = np.ascontiguousarray(images, dtype=images.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{images.dtype.str} {images.shape}\n".encode())
    digest.update(images.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def listed(name: str, found: str, shape: Sequence[int] | None = None, classes: int | None = None) -> dict:
    """A row of `ganlab data` with all its keys; see `registry.list_datasets`."""
    row = dict.fromkeys(("name", "found", "train", "test", "shape", "classes", "checksum", "note", "problem"))
    return row | {"name": name, "found": found, "shape": shape and list(shape), "classes": classes}
