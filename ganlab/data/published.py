"""A labelled data set that is published as one or several files."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganlab.data.dataset import Dataset, Split
from ganlab.data.preparing import ErrorAt, plain_error_at, prepare
from ganlab.data.sources import Download, fetch_files, find_files
from ganlab.errors import GanlabError
from ganlab.storage.damage import broken


@dataclass(frozen=True)
class Form:
    """One form in which a data set is published.

    Attributes:
        files: the names of its files.
        read: gives (train images, train labels, test images, test labels) from their paths.
        count: gives (training, test) counts from the headers alone.
    """

    files: tuple[str, ...]
    read: Callable[[list[Path]], tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]
    count: Callable[[list[Path]], tuple[int, int]]


@dataclass(frozen=True)
class Published:
    """A published data set, in the forms in which it may lie on this machine, the preferred one first.

    Attributes:
        name: the registered name.
        shape: of one image, (H, W, C).
        class_names: the name of each label.
        forms: see `Form`.
        downloads: the files of one of the forms.
    """

    name: str
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    forms: tuple[Form, ...]
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
        form = self._form_of(paths)
        train_images, train_labels, test_images, test_labels = form.read(paths)
        train = self._split(paths[0], train_images, train_labels)
        test = self._split(paths[0], test_images, test_labels)
        return prepare(self.name, train, test, self.class_names, _place(paths), options, error_at)

    def find(self) -> list[Path] | None:
        """The files of this data set on this machine, or None."""
        return find_files(self.name, (form.files for form in self.forms))

    def describe(self) -> dict:
        """A row of `ganlab data`: what is here, as the files' headers tell; see `list_datasets`."""
        paths = self.find()
        row = {
            "name": self.name,
            "found": _place(paths) if paths else "download",
            "train": None,
            "test": None,
            "shape": list(self.shape),
            "classes": len(self.class_names),
            "checksum": None,
            "problem": None,
        }
        try:
            if paths:
                row["checksum"] = checksum_of(paths)
                row["train"], row["test"] = self._form_of(paths).count(paths)
        except (GanlabError, OSError) as error:
            row["problem"] = str(error)
        return row

    def _form_of(self, paths: list[Path]) -> Form:
        files = tuple(path.name for path in paths)
        return next(form for form in self.forms if form.files == files)

    def _split(self, path: Path, images: np.ndarray, labels: np.ndarray) -> Split:
        labels = labels.reshape(-1).astype(np.int64)
        if not len(images) or len(images) != len(labels):
            raise broken(path, f"expected a label for each image, received {len(images)} and {len(labels)}")
        low, high, classes = labels.min(), labels.max(), len(self.class_names)
        if low < 0 or high >= classes:
            raise broken(path, f"expected labels 0 to {classes - 1}, received {low} to {high}")
        return Split(np.ascontiguousarray(images).reshape(-1, *self.shape), labels)


def checksum_of(paths: list[Path]) -> str:
    """The sha256 of a file in hex; of several files, the sha256 over their sha256 hex digests in order."""
    digests = []
    for path in paths:
        with open(path, "rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _place(paths: list[Path]) -> str:
    return str(paths[0] if len(paths) == 1 else paths[0].parent)
