"""The 1,797 handwritten digits, 8x8 grey, that come with scikit-learn: real data without any download.

They are the test part of the UCI "Optical Recognition of Handwritten Digits" (Alpaydin, Kaynak 1998).
"""

import importlib.resources

import numpy as np

from ganlab.config.schema import Data
from ganlab.data.dataset import Dataset, Split, listed
from ganlab.data.options import ErrorAt, apply_options, plain_error_at
from ganlab.storage.unpacking import sha256_of

_SOURCE = "scikit-learn"
_CLASSES = tuple("0123456789")


def load(options: Data, error_at: ErrorAt = plain_error_at) -> Dataset:
    """All digits as training data, their values 0 to 16 scaled to 0 to 255; see `Published.load`."""
    return apply_options("digits", _read(), None, _CLASSES, _SOURCE, options, error_at)


def describe() -> dict:
    """A row of `ganlab data`."""
    digits = _read()
    row = listed("digits", _SOURCE, digits.images.shape[1:], len(_CLASSES))
    with importlib.resources.as_file(importlib.resources.files("sklearn.datasets.data") / "digits.csv.gz") as path:
        return row | {"train": digits.count, "checksum": sha256_of(path)}


def _read() -> Split:
    from sklearn.datasets import load_digits  # a second to import, and only this data set needs it

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., None]
    return Split(images, digits.target.astype(np.int64))
