"""Reads .npz files of unknown origin: checks every header before it reads values, and never loads a pickle."""

import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ganlab.storage.unpacking import MOST_RATIO, broken, is_bomb

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# Errors of zipfile, zlib and NumPy for damaged bytes.
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    RuntimeError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)

Shape = tuple[int | None, ...]


def read_npz(path: Path, shapes: dict[str, Shape]) -> dict[str, np.ndarray]:
    """Reads arrays of numbers from an .npz file, packed or not.

    Args:
        path: the file.
        shapes: the arrays to read and their shapes; None stands for any length.

    Raises:
        GanlabError: if the file is damaged, or an array is missing or has another shape or no numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {key: _read_checked(archive, key, shape) for key, shape in shapes.items()}
    except DAMAGE as error:
        raise broken(path, error) from error


def _read_checked(archive: zipfile.ZipFile, key: str, expected: Shape) -> np.ndarray:
    if f"{key}.npy" not in archive.namelist():
        there = ", ".join(name.removesuffix(".npy") for name in archive.namelist()[:8])
        raise ValueError(f"expected the array '{key}', received {there or 'no arrays'}")
    member = archive.getinfo(f"{key}.npy")
    shape, dtype = _read_header(archive, member)
    fits = len(shape) == len(expected) and all(
        length in (None, received) for length, received in zip(expected, shape, strict=True)
    )
    if not fits or dtype.kind not in "buif":
        wanted = ", ".join("N" if length is None else str(length) for length in expected)
        raise ValueError(f"{key}: expected numbers ({wanted}), received {dtype} {shape}")
    if is_bomb(member.file_size, member.compress_size):
        raise ValueError(f"{key}: unpacks to more than {MOST_RATIO} times its size")
    return _read_values(archive, member)


def read_stored_npz(path: Path) -> dict[str, np.ndarray]:
    """Reads all arrays of an .npz that `numpy.savez` wrote: unpacked, so the arrays are no larger than the file.

    Raises:
        ValueError: if a member is packed, is no plain array or has another size than its header says, or if several members
            share bytes. Damage raises one of DAMAGE.
    """
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
            raise ValueError("its arrays declare more bytes than the file has")
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename}: is packed")
            _read_header(archive, member)
            arrays[member.filename.removesuffix(".npy")] = _read_values(archive, member)
    return arrays


def _read_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array.

    Raises: ValueError if its values would be unpickled, or if NumPy would reserve memory for more values than there are.
    """
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADER_READERS:
            raise ValueError(f"unknown .npy version {version}")
        shape, _, dtype = _HEADER_READERS[version](file)
        header_bytes = file.tell()
    if dtype.hasobject:
        raise ValueError(f"Object arrays cannot be loaded: {member.filename}")
    if not dtype.itemsize:
        raise ValueError(f"{member.filename}: holds values of no size")
    if min(shape, default=0) < 0 or member.file_size != header_bytes + math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{member.filename}: its size does not match its shape {shape} of {dtype}")
    return shape, dtype


def _read_values(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        file.read(1)  # zipfile compares the checksum when it reaches the end
    return array
