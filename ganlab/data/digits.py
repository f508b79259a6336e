"""The 1,797 handwritten digits, 8x8 grey, that come with scikit-learn: real data without any download.

They are the test part of the UCI "Optical Recognition of Handwritten Digits" (Alpaydin, Kaynak 1998).
"""

import importlib.resources

import numpy as np

from ganlab.data.dataset import Dataset, Split
from ganlab.data.preparing import ErrorAt, plain_error_at, prepare
from ganlab.data.published import checksum_of

_SOURCE = "scikit-learn"
_CLASSES = tuple("0123456789")


def load(options, error_at: ErrorAt = plain_error_at) -> Dataset:
    """All digits as training data, their values 0 to 16 scaled to 0 to 255; see `Published.load`."""
    return prepare("digits", _read(), None, _CLASSES, _SOURCE, options, error_at)


def describe() -> dict:
    """A row of `ganlab data`."""
    file = importlib.resources.files("sklearn.datasets.data") / "digits.csv.gz"
    with importlib.resources.as_file(file) as path:
        checksum = checksum_of([path])
    digits = _read()
    return {
        "name": "digits",
        "found": _SOURCE,
        "train": digits.count,
        "test": None,
        "shape": list(digits.images.shape[1:]),
        "classes": len(_CLASSES),
        "checksum": checksum,
        "problem": None,
    }


def _read() -> Split:
    from sklearn.datasets import load_digits  # a second to import, and only this data set needs it

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., None]
    return Split(images, digits.target.astype(np.int64))
