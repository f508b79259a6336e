"""Weight files made on purpose: their checksums are right, whatever is in them."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from ganlab.storage.weights import hash_of_arrays


def sealed(path: Path, model: Any, spoil: Callable[[h5py.File], None]) -> Path:
    """Writes the model's weights, changes the HDF5 file, and puts the checksums of the result in front."""
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        spoil(file)
    path.write_bytes(seal(path.read_bytes(), hash_of_arrays(model.get_weights())))
    return path


def seal(content: bytes, weights: str = "0" * 64) -> bytes:
    """An HDF5 file behind the checksums that fit it; `weights` is that of the weights, which only a network can compare."""
    head = f"ganlab weights\ncontent {hashlib.sha256(content).hexdigest()}\nweights {weights}\n"
    return head.encode().ljust(512, b"\0") + content
