"""A labelled data set that is published as one or several files."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganlab.config.schema import Data
from ganlab.data.dataset import Dataset, Split, listed
from ganlab.data.options import ErrorAt, apply_options, plain_error_at
from ganlab.data.sources import Download, fetch_files, find_files
from ganlab.errors import GanlabError
from ganlab.storage.arrays import read_npz
from ganlab.storage.unpacking import broken, sha256_of
from ganlab.storage.weights import hash_of_arrays

# Reads (training images, training labels, test images, test labels) from the files of one form.
Reader = Callable[[list[Path]], tuple[np.ndarray, ...]]


@dataclass(frozen=True)
class Published:
    """A published data set.

    Attributes:
        name: the registered name.
        shape: of one image, (H, W, C).
        class_names: the name of each label.
        forms: the forms that the data set is published in, the preferred one first: patterns of its file names -> their reader.
        downloads: the files of one of the forms.
        content: sha256 of the published images and labels, as `hash_of_arrays` gives it for training images, training labels,
            test images and test labels; None if unknown.
    """

    name: str
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    forms: Mapping[tuple[str, ...], Reader]
    downloads: tuple[Download, ...]
    content: str | None = None

    def load(self, options: Data, error_at: ErrorAt = plain_error_at) -> Dataset:
        """Reads the data set from this machine, or downloads it.

        Args:
            options: the config's `data` section.
            error_at: places a mistake in the config.

        Raises:
            ConfigError: if the options do not fit the data set.
            MissingDataError: if the files are not here and cannot be downloaded.
            GanlabError: if a file is damaged.
        """
        paths = self.find() or fetch_files(self.name, self.downloads)
        train, test = self._read(paths)
        dataset = apply_options(self.name, train, test, self.class_names, _place(paths), options, error_at)
        return replace(dataset, note=self._note(paths, train, test))

    def find(self) -> list[Path] | None:
        """The files of this data set on this machine, or None."""
        return find_files(self.name, self.forms)

    def describe(self) -> dict:
        """A row of `ganlab data`; see `list_datasets`."""
        row = listed(self.name, "download", self.shape, len(self.class_names))
        try:
            if paths := self.find():
                row["found"] = _place(paths)
                row["checksum"] = checksum_of(paths)
                splits = self._read(paths)
                row["train"], row["test"] = (split.count for split in splits)
                row["note"] = self._note(paths, *splits)
        except (GanlabError, OSError) as error:
            row["problem"] = str(error)
        return row

    def _read(self, paths: list[Path]) -> tuple[Split, Split]:
        reader = next(reader for form, reader in self.forms.items() if re.fullmatch(form[0], paths[0].name))
        images, labels, test_images, test_labels = reader(paths)
        return self._split(paths[0], images, labels), self._split(paths[0], test_images, test_labels)

    def _split(self, path: Path, images: np.ndarray, labels: np.ndarray) -> Split:
        labels = labels.reshape(-1).astype(np.int64)
        if not len(images) or len(images) != len(labels):
            raise broken(path, f"expected a label for each image, received {len(images)} and {len(labels)}")
        low, high, classes = labels.min(), labels.max(), len(self.class_names)
        if low < 0 or high >= classes:
            raise broken(path, f"expected labels 0 to {classes - 1}, received {low} to {high}")
        return Split(np.ascontiguousarray(images).reshape(-1, *self.shape), labels)

    def _note(self, paths: list[Path], train: Split, test: Split) -> str | None:
        """A line about images and labels that are not known to be the published ones, in whichever form they lie here."""
        content = hash_of_arrays([train.images, train.labels, test.images, test.labels])
        if content == self.content or [*map(sha256_of, paths)] == [file.sha256 for file in self.downloads]:
            return None
        counts = f"{train.count:,} training and {test.count:,} test images"
        return f"not known to be the published {self.name}: {counts} of content {content[:16]}"


def read_keras_npz(
    paths: list[Path], image: tuple[int, ...] = (28, 28), label: tuple[int, ...] = ()
) -> tuple[np.ndarray, ...]:
    """A `Reader` of one .npz with the arrays of `keras.datasets`.

    Args:
        paths: the file alone.
        image: the shape of one image.
        label: the shape of one label.
    """
    shapes = {"x_train": image, "y_train": label, "x_test": image, "y_test": label}
    arrays = read_npz(paths[0], {key: (None, *shape) for key, shape in shapes.items()})
    for key, array in arrays.items():
        try:
            arrays[key] = to_bytes(array) if key.startswith("x") else _whole_numbers(array)
        except ValueError as error:
            raise broken(paths[0], f"{key}: {error}") from error
    return tuple(arrays.values())


def to_bytes(images: np.ndarray) -> np.ndarray:
    """Images in any type of number as uint8, if no value changes.

    Raises:
        ValueError: for values that are no whole numbers from 0 to 255, and for floats from 0 to 1, whose scale is another.
    """
    if images.dtype == np.uint8:
        return images
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 0.0)
    is_float = images.dtype.kind == "f"
    whole = images.dtype.kind in "ui" or (is_float and high > 1 and (images == np.rint(images)).all())
    if not (whole and low >= 0 and high <= 255):
        hint = ". Save np.rint(255 * x).astype(np.uint8) instead" if is_float and 0 <= low <= high <= 1 else ""
        raise ValueError(
            f"expected whole numbers from 0 to 255, received {images.dtype} from {low:g} to {high:g}{hint}"
        )
    return images.astype(np.uint8)


def _whole_numbers(labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind in "ui":
        return labels
    if labels.dtype.kind != "f" or not (np.isfinite(labels) & (labels == np.rint(labels))).all():
        raise ValueError(f"expected whole numbers, received {labels.dtype}")
    return labels.astype(np.int64)


def checksum_of(paths: list[Path]) -> str:
    """The sha256 of a file in hex; of several files, the sha256 over their sha256 hex digests in order."""
    digests = [sha256_of(path) for path in paths]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _place(paths: list[Path]) -> str:
    return str(paths[0] if len(paths) == 1 else paths[0].parent)
