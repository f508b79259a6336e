"""Tensors of a file written by torch.save, read without torch and without running what a pickle may ask for.

A pickle can call any function; here it may name only what rebuilds a tensor, and those names stand for functions of
this file. Both of torch's formats are read: the zip archive of version 1.6 and later, and the one before.
"""

import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ganlab.data.sources import broken

_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """Name to array of a saved state dictionary.

    Raises:
        GanlabError: if the file is damaged, or its pickle names anything but tensors.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                state = _read_archive(archive)
        else:
            with open(path, "rb") as file:
                state = _read_old(file)
        return {str(name): _as_array(value) for name, value in state.items()}
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise broken(path, f"expected tensors written by torch.save: {error}") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise broken(path, f"expected tensors written by torch.save: {type(error).__name__}: {error}") from error


class _Tensors(pickle.Unpickler):
    """Rebuilds tensors as arrays. `storages`: key to the flat array, or to a list that will hold it."""

    def __init__(self, file: BinaryIO, storage: Any = None):
        super().__init__(file)
        self.storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return _View if name == "_rebuild_tensor_v2" else _view_of_parameter
        if module == "torch" and name in _TYPES:
            return np.dtype(_TYPES[name])
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a tensor")

    def persistent_load(self, identity: Any) -> Any:
        kind, dtype, key, _, count, *_ = identity
        if kind != "storage" or not isinstance(dtype, np.dtype) or self.storage is None:
            raise pickle.UnpicklingError(f"unknown reference {kind!r}")
        return self.storage(dtype, str(key), int(count))


class _View:
    """A tensor as a view of a storage whose content may come later in the file."""

    def __init__(self, storage: list, offset: int, shape: tuple, strides: tuple, *_: Any):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a tensor has no further state")


def _view_of_parameter(data: _View, *_: Any) -> _View:
    return data


def _as_array(view: Any) -> np.ndarray:
    if not isinstance(view, _View):
        raise TypeError(f"expected a tensor, received {type(view).__name__}")
    flat = view.storage[0]
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True))
    negative = min([view.offset, *view.shape, *view.strides]) < 0
    if negative or last >= len(flat) or math.prod(view.shape) > len(flat):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [stride * flat.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, strides, writeable=False).copy()


def _read_archive(archive: zipfile.ZipFile) -> Any:
    pickled = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
    folder = pickled.removesuffix("data.pkl")
    if folder + "byteorder" in archive.namelist() and archive.read(folder + "byteorder") != b"little":
        raise ValueError("expected little-endian storages")

    def storage(dtype: np.dtype, key: str, count: int) -> list:
        return [np.frombuffer(archive.read(f"{folder}data/{key}"), dtype, count)]

    with archive.open(pickled) as file:
        return _Tensors(file, storage).load()


def _read_old(file: BinaryIO) -> Any:
    """Magic number, version, machine, the tensors, the keys of the storages, then each storage: count and values."""
    if _Tensors(file).load() != _OLD_MAGIC:
        raise ValueError("not a torch file")
    _Tensors(file).load(), _Tensors(file).load()
    storages: dict[str, tuple[np.dtype, list]] = {}

    def storage(dtype: np.dtype, key: str, count: int) -> list:
        return storages.setdefault(key, (dtype, []))[1]

    state = _Tensors(file, storage).load()
    for key in _Tensors(file).load():
        dtype, content = storages[str(key)]
        (count,) = struct.unpack("<q", file.read(8))
        content.append(np.frombuffer(file.read(count * dtype.itemsize), dtype, count))
    return state
