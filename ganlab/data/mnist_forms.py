"""The two forms of MNIST and of the sets made in its image: keras' .npz, or the four original IDX files."""

from pathlib import Path

import numpy as np

from ganlab.data.idx import read_idx, read_idx_count
from ganlab.data.published import Form
from ganlab.storage.arrays import read_npz, read_npz_shapes

IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_IDX_SHAPES = ((28, 28), (), (28, 28), ())
_NPZ_SHAPES = {"x_train": (None, 28, 28), "y_train": (None,), "x_test": (None, 28, 28), "y_test": (None,)}


def npz_form(file: str, shapes: dict[str, tuple[int | None, ...]] = _NPZ_SHAPES) -> Form:
    """One .npz with x_train, y_train, x_test and y_test, as `keras.datasets` has them."""

    def read(paths: list[Path]) -> tuple[np.ndarray, ...]:
        arrays = read_npz(paths[0], shapes)
        return tuple(arrays[key] for key in ("x_train", "y_train", "x_test", "y_test"))

    def count(paths: list[Path]) -> tuple[int, int]:
        declared = read_npz_shapes(paths[0], shapes)
        return declared["x_train"][0], declared["x_test"][0]

    return Form((file,), read, count)


def _read_idx_files(paths: list[Path]) -> tuple[np.ndarray, ...]:
    return tuple(read_idx(path, shape) for path, shape in zip(paths, _IDX_SHAPES, strict=True))


def _count_idx_files(paths: list[Path]) -> tuple[int, int]:
    return read_idx_count(paths[0], _IDX_SHAPES[0]), read_idx_count(paths[2], _IDX_SHAPES[2])


IDX_FORM = Form(IDX_FILES, _read_idx_files, _count_idx_files)
