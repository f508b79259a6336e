"""Data sets so small that they are made here: one point, one picture of 10x10 pixels, ten digits of 10x10 pixels.

They are the targets of J. Perry, GAN Project 2022-23. The text says a point, "a square with a diagonal line through it" and
drawn digits. The place of the point and the shapes of the digits are chosen here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganlab.config.schema import Data
from ganlab.data.dataset import Dataset, Split, fingerprint_of, listed
from ganlab.data.options import ErrorAt, apply_options, plain_error_at

_SOURCE = "made by ganlab"
_POINT = (0.7, 0.3)
# Of each digit seven rows of five pixels, each row as a number of five bits, the most significant bit to the left.
_DIGITS = """
    0E 11 13 15 19 11 0E   04 0C 04 04 04 04 0E   0E 11 01 02 04 08 1F   1F 02 04 02 01 11 0E   02 06 0A 12 1F 02 02
    1F 10 1E 01 01 11 0E   06 08 10 1E 11 11 0E   1F 01 02 04 08 08 08   0E 11 11 0E 11 11 0E   0E 11 11 0F 01 02 0C
"""


@dataclass(frozen=True)
class Made:
    """A data set that needs no file. All its samples are training data; there is no test split.

    Attributes:
        name: the registered name.
        make: gives the samples, and their labels, if they have any.
        class_names: the name of each label, or None.
    """

    name: str
    make: Callable[[], Split]
    class_names: tuple[str, ...] | None = None

    def load(self, options: Data, error_at: ErrorAt = plain_error_at) -> Dataset:
        """See `Published.load`. Raises: ConfigError also for options of images, if the samples are no images."""
        split = self.make()
        for key in ("image_size", "grayscale", "flip") if split.images.ndim != 4 else ():
            if (value := getattr(options, key)) is not None:
                raise error_at(("data", key), f"expected only for images, received {value} with 'name: {self.name}'")
        return apply_options(self.name, split, None, self.class_names, _SOURCE, options, error_at)

    def describe(self) -> dict:
        """A row of `ganlab data`."""
        split = self.make()
        row = listed(self.name, _SOURCE, split.images.shape[1:], self.class_names and len(self.class_names))
        return row | {"train": split.count, "checksum": fingerprint_of(split.images)}


def _true_image() -> Split:
    """White on the border and on the diagonal of the inner 8x8 pixels, else black."""
    image = np.zeros((1, 10, 10, 1), np.uint8)
    image[0, 1:9, 1:9, 0] = np.eye(8) * 255
    image[0, [1, 8], 1:9] = image[0, 1:9, [1, 8]] = 255
    return Split(image)


def _tiny_digits() -> Split:
    rows = np.array([int(row, 16) for row in _DIGITS.split()], np.uint8)
    images = np.zeros((10, 10, 10, 1), np.uint8)
    images[:, 1:8, 2:7, 0] = np.unpackbits(rows[:, None], axis=1)[:, 3:].reshape(10, 7, 5) * 255
    return Split(images, np.arange(10))


POINT = Made("point", lambda: Split(np.array([_POINT], np.float32)))
TRUE_IMAGE = Made("true_image", _true_image)
TINY_DIGITS = Made("tiny_digits", _tiny_digits, tuple("0123456789"))
