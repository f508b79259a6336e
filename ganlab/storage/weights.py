"""Weights on disk: Keras' weight files with two checksums in front, because Keras' own format has none.

The first 512 bytes are a user block of HDF5, which Keras and every other reader skip. The block has two checksums. The sha256 of
the rest of the file is compared before HDF5 reads anything: a wrong byte can send HDF5 into an endless loop. The sha256 of the
weights in the model's order identifies the weights.
"""

import contextlib
import hashlib
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.errors import CheckpointError, GanlabError

if TYPE_CHECKING:
    import h5py
    import keras

_BLOCK = 512  # the smallest that HDF5 knows
_HEADER = re.compile(rb"ganlab weights\ncontent ([0-9a-f]{64})\nweights ([0-9a-f]{64})\n\0*")
# Errors of h5py and Keras for damaged files, files of other formats, and weights of other layers and shapes.
_DAMAGE = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError)


def write_weights(path: Path, model: "keras.Model") -> None:
    """Writes the model's weights as a .weights.h5 file that Keras reads, with its checksums in front."""
    with _writing(path):
        model.save_weights(path)
    content = path.read_bytes()
    sums = (hashlib.sha256(content).hexdigest(), hash_of_arrays(model.get_weights()))
    header = "ganlab weights\ncontent {}\nweights {}\n".format(*sums)
    with path.open("wb") as file:
        file.write(header.encode().ljust(_BLOCK, b"\0"))
        file.write(content)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns HDF5's RuntimeError of a failed write, as on a full disk, into the OSError with the number in its text."""
    try:
        yield
    except RuntimeError as error:
        number = re.search(r"errno = (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


def check_weights(path: Path) -> dict[str, np.ndarray]:
    """Checks a weight file without its network and without a framework, and returns its arrays by their paths.

    Raises: CheckpointError for damage, and for a file without checksums or with anything but arrays.
    """
    import h5py

    try:
        if _checksums(path)[1]:
            raise ValueError("the weights do not match their checksum")
        arrays: dict[str, np.ndarray] = {}
        with h5py.File(path, "r") as file:
            require_plain_arrays(file, path.stat().st_size)
            file.visititems(
                lambda name, item: arrays.update({name: item[()]} if isinstance(item, h5py.Dataset) else {})
            )
    except _DAMAGE as error:
        raise CheckpointError(f"{path}: damaged: {_first_line(error)}") from error
    return arrays


def read_weights(path: Path, model: "keras.Model", remedy: str = "", kind: type[GanlabError] = CheckpointError) -> str:
    """Loads a file of `write_weights` into the model, and returns the sha256 of the weights.

    Raises:
        kind: if the file is not there, damaged, or of another network; the message ends in the remedy.
    """
    import h5py

    end = f" {remedy}." if remedy else ""
    try:
        expected, is_damaged = _checksums(path)
        if not is_damaged:
            with h5py.File(path, "r") as file:
                require_plain_arrays(file, path.stat().st_size)
            with warnings.catch_warnings():
                # Keras only warns of layers without weights in the file; the checksum notices them.
                warnings.simplefilter("ignore")
                model.load_weights(path)
    except _DAMAGE as error:
        raise kind(f"{path}: no weights of this network: {_first_line(error)}.{end}") from error
    if is_damaged or hash_of_arrays(model.get_weights()) != expected:
        raise kind(f"{path}: damaged, the weights do not match their checksum.{end}")
    return expected


def _checksums(path: Path) -> tuple[str, bool]:
    """The sha256 of the weights in the header, and whether the rest of the file is damaged.

    Raises: ValueError for a file without checksums.
    """
    with path.open("rb") as file:
        header = _HEADER.fullmatch(file.read(_BLOCK))
        if header is None:
            raise ValueError("it does not begin with the checksums of a weight file")
        is_damaged = hashlib.file_digest(file, "sha256").hexdigest() != header[1].decode()
    return header[2].decode(), is_damaged


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0].rstrip(".")


def hash_of_arrays(arrays: Iterable[np.ndarray]) -> str:
    """sha256 hex over type, shape and bytes of each array in order."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def require_plain_arrays(file: "h5py.File", size: int) -> None:
    """Refuses a file with anything but groups of plain arrays of numbers, before any value is read.

    HDF5 can also point to other files, put a data set together from several, pack values with filters, and declare shapes
    that no file holds. Weights need none of this, and a reader of such a file opens other files or fills the memory.

    Args:
        file: open for reading.
        size: of the file, in bytes.

    Raises:
        ValueError: with the object's path and what is wrong with it. h5py's own errors where the structure is damaged.
    """
    import h5py

    declared = 0
    for item in _objects(file):
        for attribute in item.attrs:
            if item.attrs.get_id(attribute).shape != ():
                raise ValueError(f"{item.name}: the attribute {attribute!r} has several values")
        if isinstance(item, h5py.Dataset):
            _require_plain(item)
            declared += item.nbytes
        elif not isinstance(item, h5py.Group):
            raise ValueError(f"{item.name}: is no array")
    if declared > size:
        raise ValueError(f"its arrays declare {declared} bytes, and the file has {size}")


def _objects(file: "h5py.File") -> Iterator[Any]:
    """The file and all groups and data sets in it. Follows only hard links, and each object has one."""
    import h5py

    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [file]
    while waiting:
        item = waiting.pop()
        yield item
        for name in item if isinstance(item, h5py.Group) else ():
            link = item.get(name, getlink=True)
            if type(link) is not h5py.HardLink:
                raise ValueError(f"{item.name}: {name!r} is a link to elsewhere ({type(link).__name__})")
            child = item[name]
            address = h5py.h5o.get_info(child.id).addr
            if address in seen:
                raise ValueError(f"{item.name}: {name!r} leads to what stands elsewhere in the file")
            seen.add(address)
            waiting.append(child)


def _require_plain(dataset: "h5py.Dataset") -> None:
    if dataset.is_virtual:
        reason = "is put together from other data sets"
    elif dataset.external:
        reason = "keeps its values in another file"
    elif dataset.shape is None or dataset.dtype.kind not in "fiu" or dataset.dtype.metadata:
        reason = "holds no numbers"
    elif dataset.id.get_create_plist().get_nfilters():
        reason = "is packed"
    elif dataset.id.get_storage_size() < dataset.nbytes:
        reason = f"declares {dataset.nbytes} bytes and has {dataset.id.get_storage_size()}"
    else:
        return
    raise ValueError(f"{dataset.name}: {reason}")
