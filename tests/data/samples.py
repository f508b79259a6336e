"""Small data files for the tests, in the published formats."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np

from ganlab.config.schema import Data


def options(name: str, **changes) -> Data:
    """A config's `data` section."""
    return Data(name=name, **changes)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def mnist_arrays(train: int = 7, test: int = 3) -> dict[str, np.ndarray]:
    return {
        "x_train": noise(train, 28, 28),
        "y_train": np.arange(train, dtype=np.uint8) % 10,
        "x_test": noise(test, 28, 28, seed=1),
        "y_test": np.arange(test, dtype=np.uint8) % 10,
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx_files(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True)
    for part, split in (("train", "train"), ("t10k", "test")):
        for key, kind in (("x", "images-idx3"), ("y", "labels-idx1")):
            path = folder / f"{part}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(idx_bytes(arrays[f"{key}_{split}"]), compresslevel=1))


def cifar_record(label: int, image: np.ndarray) -> bytes:
    """One label byte, then the red, the green and the blue plane of a `(32, 32, 3)` image."""
    return bytes([label]) + image.transpose(2, 0, 1).tobytes()


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
