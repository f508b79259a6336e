"""A labelled data set that is published as one or several files."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganlab.data.dataset import Dataset, Split, listed
from ganlab.data.options import ErrorAt, apply_options, plain_error_at
from ganlab.data.sources import Download, fetch_files, find_files
from ganlab.errors import GanlabError
from ganlab.storage.arrays import read_npz
from ganlab.storage.damage import broken

# Reads (training images, training labels, test images, test labels) from the files of one form.
Reader = Callable[[list[Path]], tuple[np.ndarray, ...]]


@dataclass(frozen=True)
class Published:
    """A published data set.

    Attributes:
        name: the registered name.
        shape: of one image, (H, W, C).
        class_names: the name of each label.
        forms: how the data set may lie on this machine, the preferred form first: the names of its files -> their reader.
        downloads: the files of one of the forms.
    """

    name: str
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    forms: Mapping[tuple[str, ...], Reader]
    downloads: tuple[Download, ...]

    def load(self, options, error_at: ErrorAt = plain_error_at) -> Dataset:
        """Reads the data set from this machine, or downloads it.

        Args:
            options: the config's `data` section.
            error_at: places a mistake in the config.

        Raises:
            ConfigError: if the options do not fit the data set.
            MissingDataError: if it is not here and cannot be downloaded.
            GanlabError: if a file is damaged.
        """
        paths = self.find() or fetch_files(self.name, self.downloads)
        train, test = self._read(paths)
        return apply_options(self.name, train, test, self.class_names, _place(paths), options, error_at)

    def find(self) -> list[Path] | None:
        """The files of this data set on this machine, or None."""
        return find_files(self.name, self.forms)

    def describe(self) -> dict:
        """A row of `ganlab data`; see `list_datasets`."""
        paths = self.find()
        row = listed(self.name, _place(paths) if paths else "download", self.shape, len(self.class_names))
        try:
            if paths:
                row["checksum"] = checksum_of(paths)
                row["train"], row["test"] = (split.count for split in self._read(paths))
        except (GanlabError, OSError) as error:
            row["problem"] = str(error)
        return row

    def _read(self, paths: list[Path]) -> tuple[Split, Split]:
        images, labels, test_images, test_labels = self.forms[tuple(path.name for path in paths)](paths)
        return self._split(paths[0], images, labels), self._split(paths[0], test_images, test_labels)

    def _split(self, path: Path, images: np.ndarray, labels: np.ndarray) -> Split:
        labels = labels.reshape(-1).astype(np.int64)
        if not len(images) or len(images) != len(labels):
            raise broken(path, f"expected a label for each image, received {len(images)} and {len(labels)}")
        low, high, classes = labels.min(), labels.max(), len(self.class_names)
        if low < 0 or high >= classes:
            raise broken(path, f"expected labels 0 to {classes - 1}, received {low} to {high}")
        return Split(np.ascontiguousarray(images).reshape(-1, *self.shape), labels)


def read_keras_npz(
    paths: list[Path], image: tuple[int, ...] = (28, 28), label: tuple[int, ...] = ()
) -> tuple[np.ndarray, ...]:
    """A `Reader` of one .npz as `keras.datasets` has them.

    Args:
        paths: the file alone.
        image: the shape of one image.
        label: the shape of one label.
    """
    shapes = {"x_train": image, "y_train": label, "x_test": image, "y_test": label}
    return tuple(read_npz(paths[0], {key: (None, *shape) for key, shape in shapes.items()}).values())


def checksum_of(paths: list[Path]) -> str:
    """The sha256 of a file in hex; of several files, the sha256 over their sha256 hex digests in order."""
    digests = []
    for path in paths:
        with open(path, "rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _place(paths: list[Path]) -> str:
    return str(paths[0] if len(paths) == 1 else paths[0].parent)
