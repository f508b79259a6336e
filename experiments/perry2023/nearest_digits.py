"""Counts which of the ten digits generated images resemble: mode collapse as numbers.

    ganlab sample RUN --each --count 200 --out samples.npz
    python experiments/perry2023/nearest_digits.py samples.npz

The nearest digit of an image is the one with the least Euclidean distance of pixels. Prints digit and count as CSV.
"""

import sys

import numpy as np

from ganlab.config.schema import Data
from ganlab.data import load_dataset


def nearest(images: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Index of the nearest of `digits` (k, ...) for each of `images` (n, ...), both uint8."""
    differences = images.astype(np.float64)[:, None] - digits.astype(np.float64)
    return (differences**2).sum(axis=(2, 3, 4)).argmin(axis=1)


def main(path: str) -> None:
    with np.load(path, allow_pickle=False) as arrays:
        found = nearest(arrays["arr_0"], load_dataset(Data(name="tiny_digits")).train.images)
    print("digit,count")
    for digit, count in enumerate(np.bincount(found, minlength=10)):
        print(f"{digit},{count}")


if __name__ == "__main__":
    main(sys.argv[1])
