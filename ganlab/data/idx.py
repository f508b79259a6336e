"""The IDX format of MNIST and of the data sets made in its image (LeCun, Cortes, Burges: http://yann.lecun.com/exdb/mnist/).

Big-endian: two zero bytes, the type (8 = unsigned byte), the rank, each dimension as 32 bits, the values.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from ganlab.storage.damage import broken
from ganlab.storage.unpacking import MOST_RATIO, is_bomb

IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_UNSIGNED_BYTE = 8
_MOST_SAMPLES = 10_000_000


def read_idx_files(paths: list[Path]) -> tuple[np.ndarray, ...]:
    """Images of 28x28 pixels and labels, from the four files in the order of IDX_FILES."""
    return tuple(read_idx(path, shape) for path, shape in zip(paths, ((28, 28), ()) * 2, strict=True))


def read_idx(path: Path, sample_shape: tuple[int, ...]) -> np.ndarray:
    """Reads a gzipped IDX file of unsigned bytes.

    Args:
        path: the .gz file.
        sample_shape: the shape of one sample: (28, 28) for images, () for labels.

    Returns:
        uint8 `(N, *sample_shape)`.

    Raises:
        GanlabError: if the file is damaged, has another shape, or goes on after its last value.
    """
    try:
        with gzip.open(path) as file:
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


def _read_header(file: gzip.GzipFile, path: Path, sample_shape: tuple[int, ...]) -> int:
    zeros, kind, rank = struct.unpack(">HBB", file.read(4))
    expected = (0, _UNSIGNED_BYTE, 1 + len(sample_shape))
    if (zeros, kind, rank) != expected:
        raise broken(path, f"expected the IDX header {expected}, received {(zeros, kind, rank)}")
    count, *shape = struct.unpack(f">{rank}I", file.read(4 * rank))
    if tuple(shape) != sample_shape or count > _MOST_SAMPLES:
        raise broken(path, f"expected samples of shape {sample_shape}, received {count} of {tuple(shape)}")
    return count
