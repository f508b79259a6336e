"""Weight files made on purpose: their checksums are right, whatever is in them."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from ganlab.weight_files import hash_of_arrays


def sealed(path: Path, model: Any, spoil: Callable[[h5py.File], None]) -> Path:
    """Writes the model's weights, changes the HDF5 file, and puts the checksums of the result in front."""
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        spoil(file)
    content = path.read_bytes()
    sums = hashlib.sha256(content).hexdigest(), hash_of_arrays(model.get_weights())
    path.write_bytes("ganlab weights\ncontent {}\nweights {}\n".format(*sums).encode().ljust(512, b"\0") + content)
    return path
