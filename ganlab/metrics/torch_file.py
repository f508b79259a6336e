"""Tensors of a file written by torch.save, read without torch and without the pickle module.

Such a file describes its tensors in pickle's language, in which a file can also call any function. Here its instructions are
only listed (`pickletools`) and those that make up tensors are followed, so there is nothing that could be called. Both of
torch's formats are read: the zip archive of version 1.6 and later, and the one before.
"""

import io
import math
import pickletools
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ganlab.storage.damage import broken

MOST_BYTES = 2**29  # of a whole file; Inception has 92 MiB
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {
    "torch FloatStorage": "<f4",
    "torch DoubleStorage": "<f8",
    "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
}
_VALUES = ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE")
_FIXED = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
# The flat array of a key, in a list that may be filled later.
Storage = Callable[[np.dtype, str, int], list]


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """Name to array of a saved state dictionary.

    Raises:
        GanlabError: if the file is damaged, is too large, or names anything but tensors.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"larger than {MOST_BYTES} bytes")
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                state = _read_archive(archive)
        else:
            state = _read_old(io.BytesIO(path.read_bytes()))
        return {_name(name): _as_array(value) for name, value in state.items()}
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise broken(path, f"expected tensors written by torch.save: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, struct.error) as error:
        raise broken(path, f"expected tensors written by torch.save: {type(error).__name__}: {error}") from error


class _View:
    """A tensor as a view of a storage whose content may come later in the file."""

    def __init__(self, storage: list, offset: int, shape: tuple, strides: tuple, *_: Any):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides


# What a call may name. Tensors and parameters are all that is made of something.
_CALLS: dict[str, Callable] = {
    "torch._utils _rebuild_tensor_v2": _View,
    "torch._utils _rebuild_parameter": lambda view, *_: view,
    "collections OrderedDict": lambda *_: {},
}


def _follow(file: io.BytesIO, storage: Storage | None = None) -> Any:
    """The value that a row of pickle's instructions describes; the file stands behind it afterwards.

    Args:
        file: in memory, so that a length that is told cannot be reserved before it is there.
        storage: gives what a reference to a storage stands for.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    for instruction, argument, _ in pickletools.genops(file):
        name = instruction.name
        if name in _VALUES:
            stack.append(argument)
        elif name in _FIXED:
            stack.append(_FIXED[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            _gather(stack, len(stack) - _TUPLES[name])
        elif name == "TUPLE":
            _gather(stack, marks.pop())
        elif name == "MARK":
            marks.append(len(stack))
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "GLOBAL":
            stack.append(_named(argument))
        elif name == "REDUCE":
            arguments, called = stack.pop(), stack.pop()
            if called not in _CALLS.values() or not isinstance(arguments, tuple):
                raise ValueError("calls what makes no tensor")
            stack.append(called(*arguments))
        elif name == "BINPERSID":
            stack.append(_refer(stack.pop(), storage))
        elif name in ("SETITEM", "SETITEMS", "APPEND", "APPENDS"):
            start = marks.pop() if name.endswith("S") else len(stack) - (2 if name == "SETITEM" else 1)
            _fill(stack, start, as_items=name.startswith("SET"))
        elif name == "BUILD":
            stack.pop()  # the versions of a state dictionary's modules
            if not isinstance(stack[-1], dict):
                raise ValueError("a tensor has no further state")
        elif name == "STOP":
            return stack.pop()
        elif name != "PROTO":
            raise ValueError(f"the instruction {name} is not part of a tensor")
    raise ValueError("ends before its end")


def _gather(stack: list, start: int) -> None:
    if not 0 <= start <= len(stack):
        raise IndexError("a tuple of more than there is")
    stack[start:] = [tuple(stack[start:])]


def _fill(stack: list, start: int, as_items: bool) -> None:
    """Puts what stands from `start` into the mapping or list before it."""
    target, values = stack[start - 1], stack[start:]
    if start < 1 or not isinstance(target, dict if as_items else list):
        raise TypeError("fills what is no container")
    if as_items:
        target.update(zip(values[::2], values[1::2], strict=True))
    else:
        target.extend(values)
    del stack[start:]


def _named(name: str) -> Any:
    if name in _TYPES:
        return np.dtype(_TYPES[name])
    if name not in _CALLS:
        raise ValueError(f"{name.replace(' ', '.')} is not part of a tensor")
    return _CALLS[name]


def _refer(reference: Any, storage: Storage | None) -> list:
    kind, dtype, key, _, count, *_ = reference
    if kind != "storage" or not isinstance(dtype, np.dtype) or not isinstance(key, str) or storage is None:
        raise ValueError("an unknown reference")
    return storage(dtype, key, count)


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"expected names of tensors, received {type(name).__name__}")
    return name


def _as_array(view: Any) -> np.ndarray:
    if not isinstance(view, _View):
        raise TypeError(f"expected a tensor, received {type(view).__name__}")
    flat = view.storage[0]
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True))
    negative = min([view.offset, *view.shape, *view.strides]) < 0
    if negative or last >= len(flat) or math.prod(view.shape) > len(flat):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [stride * flat.itemsize for stride in view.strides]
    # Not copied: any number of tensors may be views of one storage.
    return np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, strides, writeable=False)


def _read_archive(archive: zipfile.ZipFile) -> Any:
    members = {member.filename: member for member in archive.infolist()}
    pickled = next(name for name in [*members, ""] if name.endswith("/data.pkl") or not name)
    folder = pickled.removesuffix("data.pkl")
    storages: dict[str, list] = {}
    if sum(member.file_size for member in members.values()) > MOST_BYTES:
        raise ValueError(f"unpacks to more than {MOST_BYTES} bytes")

    def content(name: str) -> bytes:
        if members[name].compress_type != zipfile.ZIP_STORED:  # so no more comes out than the file has bytes
            raise ValueError(f"{name} is packed, which torch.save does not do")
        return archive.read(name)

    def storage(dtype: np.dtype, key: str, count: int) -> list:
        if key not in storages:
            storages[key] = [np.frombuffer(content(f"{folder}data/{key}"), dtype, count)]
        return storages[key]

    if folder + "byteorder" in members and content(folder + "byteorder") != b"little":
        raise ValueError("expected little-endian storages")
    return _follow(io.BytesIO(content(pickled)), storage)


def _read_old(file: io.BytesIO) -> Any:
    """Magic number, version, machine, the tensors, the keys of the storages, then each storage: count and values."""
    if _follow(file) != _OLD_MAGIC:
        raise ValueError("not a torch file")
    _follow(file), _follow(file)
    storages: dict[str, tuple[np.dtype, list]] = {}

    def storage(dtype: np.dtype, key: str, count: int) -> list:
        return storages.setdefault(key, (dtype, []))[1]

    state = _follow(file, storage)
    for key in _follow(file):
        dtype, content = storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        if not 0 <= count * dtype.itemsize <= MOST_BYTES:
            raise ValueError(f"a storage of {count} values")
        content.append(np.frombuffer(file.read(count * dtype.itemsize), dtype, count))
    return state
