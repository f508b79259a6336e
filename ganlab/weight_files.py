"""Weights on disk with their checksum inside, because Keras' own format has none."""

import hashlib
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganlab.errors import CheckpointError, GanlabError
from ganlab.hdf5_checks import require_plain_arrays

if TYPE_CHECKING:
    import h5py
    import keras


def write_weights(path: Path, model: "keras.Model") -> None:
    """Writes the model's weights as a Keras .weights.h5 file and, inside the same file, two checksums.

    `sha256` is over the arrays in the model's order and identifies the weights; `content_sha256` is over the file's content
    and can be checked without the model.
    """
    import h5py

    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file.attrs["sha256"] = hash_of_arrays(model.get_weights())
        file.attrs["content_sha256"] = _hash_of_content(_arrays_of(file))


def check_weights(path: Path) -> dict[str, np.ndarray]:
    """Checks a weight file without its network and without a framework, and returns its arrays by their place in it.

    Raises: CheckpointError for damage, and for a file that has no checksum of its content.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            expected, arrays = file.attrs["content_sha256"], _arrays_of(file)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise CheckpointError(f"{path}: damaged: {reason}") from error
    if _hash_of_content(arrays) != expected:
        raise CheckpointError(f"{path}: damaged: the weights do not match their checksum")
    return arrays


def _arrays_of(file: "h5py.File") -> dict[str, np.ndarray]:
    import h5py

    arrays = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    file.visititems(visit)
    return arrays


def _hash_of_content(arrays: Mapping[str, np.ndarray]) -> str:
    names = sorted(arrays)
    return hashlib.sha256(f"{names} {hash_of_arrays(map(arrays.get, names))}".encode()).hexdigest()


def read_weights(path: Path, model: "keras.Model", remedy: str = "", kind: type[GanlabError] = CheckpointError) -> str:
    """Loads what `write_weights` wrote into the model, and returns the sha256 of the weights.

    Raises:
        kind: if the file is not there, damaged, or of another network; the message ends in the remedy.
    """
    import h5py

    end = f" {remedy}." if remedy else ""
    try:
        with h5py.File(path, "r") as file:
            require_plain_arrays(file, path.stat().st_size)
            expected = file.attrs["sha256"]
            if not isinstance(expected, str):
                raise ValueError("its checksum is no text")
        with warnings.catch_warnings():
            # Keras warns of layers it finds no weights for and leaves them as they are; the checksum finds them.
            warnings.simplefilter("ignore")
            model.load_weights(path)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise kind(f"{path}: no weights of this network: {reason}.{end}") from error
    if hash_of_arrays(model.get_weights()) != expected:
        raise kind(f"{path}: damaged, the weights do not match their checksum.{end}")
    return expected


def hash_of_arrays(arrays: Iterable[np.ndarray]) -> str:
    """sha256 hex over type, shape and bytes of each array in order, whatever file they come from."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
