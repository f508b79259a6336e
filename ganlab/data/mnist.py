"""MNIST and Fashion-MNIST: 60,000 + 10,000 images each, 28x28 grey, ten classes; as .npz or as IDX files.

IDX (LeCun, Cortes, Burges: http://yann.lecun.com/exdb/mnist/) is big-endian: two zero bytes, the type (8 = unsigned byte),
the rank, each dimension as 32 bits, the values.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ganlab.data.published import Published, read_keras_npz
from ganlab.data.sources import Download
from ganlab.storage.unpacking import MOST_RATIO, broken, is_bomb

# The published names end in .gz. Unpacked files, and files that other tools unpacked, have the other names.
IDX_FILES = tuple(
    rf"{part}[-.]idx{rank}-ubyte(\.gz)?"
    for part, rank in (("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1))
)
_UNSIGNED_BYTE = 8
_MOST_SAMPLES = 10_000_000


def read_idx_files(paths: list[Path]) -> tuple[np.ndarray, ...]:
    """Images of 28x28 pixels and labels, from the four files in the order of IDX_FILES."""
    return tuple(read_idx(path, shape) for path, shape in zip(paths, ((28, 28), ()) * 2, strict=True))


def read_idx(path: Path, sample_shape: tuple[int, ...]) -> np.ndarray:
    """Reads an IDX file of unsigned bytes, gzipped or not.

    Args:
        path: the file.
        sample_shape: the shape of one sample: (28, 28) for images, () for labels.

    Returns:
        uint8 `(N, *sample_shape)`.

    Raises:
        GanlabError: if the file is damaged, has another shape, or has bytes after its last value.
    """
    try:
        with open(path, "rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
        with (gzip.open if is_packed else open)(path, "rb") as file:
            count = _read_header(file, path, sample_shape)
            size = count * math.prod(sample_shape)
            if is_bomb(size, path.stat().st_size):
                raise broken(path, f"{size} values unpack to more than {MOST_RATIO} times its size")
            values = file.read(size)
            if len(values) < size:
                raise broken(path, f"expected {size} values, received {len(values)}")
            if file.read(1):
                raise broken(path, f"expected its end after {size} values, received more")
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise broken(path, error) from error
    return np.frombuffer(values, np.uint8).reshape(count, *sample_shape)


def _read_header(file: BinaryIO, path: Path, sample_shape: tuple[int, ...]) -> int:
    zeros, kind, rank = struct.unpack(">HBB", file.read(4))
    expected = (0, _UNSIGNED_BYTE, 1 + len(sample_shape))
    if (zeros, kind, rank) != expected:
        raise broken(path, f"expected the IDX header {expected}, received {(zeros, kind, rank)}")
    count, *shape = struct.unpack(f">{rank}I", file.read(4 * rank))
    if tuple(shape) != sample_shape or count > _MOST_SAMPLES:
        raise broken(path, f"expected samples of shape {sample_shape}, received {count} of {tuple(shape)}")
    return count


_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
# Handwritten digits (LeCun et al. 1998).
MNIST = Published(
    name="mnist",
    shape=(28, 28, 1),
    class_names=tuple("0123456789"),
    forms={(r"mnist\.npz",): read_keras_npz, IDX_FILES: read_idx_files},
    downloads=(
        Download(
            "mnist.npz",
            f"{_KERAS}/mnist.npz",
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
    content="1ab36173c5442eefac1052e16cd4f6fadab376babf2649f6ff42f84b978b3824",
)
# Articles of clothing (Xiao, Rasul, Vollgraf 2017).
FASHION_MNIST = Published(
    name="fashion_mnist",
    shape=(28, 28, 1),
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    forms={IDX_FILES: read_idx_files, (r"fashion-mnist\.npz",): read_keras_npz},
    downloads=tuple(
        Download(file, f"{_KERAS}/{file}", sha256)
        for file, sha256 in {
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        }.items()
    ),
    content="e82adc0c97c6273e3db09f058ebe2cde03fe9e1df16f9d9054d558032e2a0f39",
)
