"""Weights on disk with their checksum inside, because Keras' own format has none."""

import hashlib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganlab.errors import CheckpointError, GanlabError
from ganlab.hdf5_checks import require_plain_arrays

if TYPE_CHECKING:
    import keras


def write_weights(path: Path, model: "keras.Model") -> None:
    """Writes the model's weights as a Keras .weights.h5 file and, inside the same file, their sha256."""
    import h5py

    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file.attrs["sha256"] = hash_of_arrays(model.get_weights())


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
