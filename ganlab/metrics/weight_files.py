"""Weights on disk with their checksum inside, because Keras' own format has none."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ganlab.errors import MissingDataError
from ganlab.metrics.extraction import hash_of_arrays

if TYPE_CHECKING:
    import keras


def write_weights(path: Path, model: "keras.Model") -> None:
    """Writes the model's weights and, inside the same file, their sha256."""
    import h5py

    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file.attrs["sha256"] = hash_of_arrays(model.get_weights())


def read_weights(path: Path, model: "keras.Model", remedy: str) -> str:
    """Loads what `write_weights` wrote into the model, and returns the sha256 of the weights.

    Raises:
        MissingDataError: if the file is not there, damaged, or of another network; it ends in the remedy.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            expected = file.attrs["sha256"]
        with warnings.catch_warnings():
            # Keras warns of layers it finds no weights for and leaves them as they are; the checksum finds them.
            warnings.simplefilter("ignore")
            model.load_weights(path)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise MissingDataError(f"{path}: no weights of this classifier: {reason}. {remedy}.") from error
    if hash_of_arrays(model.get_weights()) != expected:
        raise MissingDataError(f"{path}: damaged, the weights do not match their checksum. {remedy}.")
    return expected
