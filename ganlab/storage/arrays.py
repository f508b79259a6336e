"""Reading .npz files of unknown origin: header first, never a pickle."""

import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ganlab.storage.damage import broken
from ganlab.storage.unpacking import MOST_RATIO, is_bomb

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What zipfile, zlib and numpy raise on damaged bytes.
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
    """Reads integer arrays from an .npz file after checking what their headers declare.

    Args:
        path: the file.
        shapes: the arrays to read and their shapes; None stands for any length.

    Raises:
        GanlabError: if the file is damaged, or an array is missing or has another shape or type.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for key, shape in shapes.items():
                _check_header(archive, path, key, shape)
            arrays = {}
            for key in shapes:
                with archive.open(f"{key}.npy") as member:
                    arrays[key] = np.lib.format.read_array(member, allow_pickle=False)
                    member.read(1)  # reaching the end is what makes zipfile compare the checksum
            return arrays
    except DAMAGE as error:
        raise broken(path, error) from error


def read_stored_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz as `numpy.savez` writes it: not packed, so that it holds no more than it has bytes.

    Raises:
        ValueError: if a member is packed, is no array of numbers or text, or is not as long as its header says, or several are
            the same bytes; and what zipfile and numpy raise for damage (see DAMAGE).
    """
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
            raise ValueError("its arrays declare more bytes than the file has")
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename}: is packed")
            with archive.open(member) as file:
                shape, dtype, header_bytes = _read_header(file)
            if dtype.hasobject:  # they are pickles
                raise ValueError(f"Object arrays cannot be loaded: {member.filename}")
            if not dtype.itemsize:  # numpy would reserve a byte for each of any number of them
                raise ValueError(f"{member.filename}: holds values of no size")
            if min(shape, default=0) < 0 or member.file_size != header_bytes + math.prod(shape) * dtype.itemsize:
                raise ValueError(f"{member.filename}: its size does not match its shape {shape} of {dtype}")
            with archive.open(member) as file:
                arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(file, allow_pickle=False)
                file.read(1)  # reaching the end is what makes zipfile compare the checksum
    return arrays


def _read_header(file) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape, type and the header's own length."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise ValueError(f"unknown .npy version {version}")
    shape, _, dtype = _HEADER_READERS[version](file)
    return shape, dtype, file.tell()


def _check_header(archive: zipfile.ZipFile, path: Path, key: str, expected: Shape) -> None:
    if f"{key}.npy" not in archive.namelist():
        there = ", ".join(name.removesuffix(".npy") for name in archive.namelist()[:8])
        raise broken(path, f"expected the array '{key}', received {there or 'no arrays'}")
    with archive.open(f"{key}.npy") as member:
        shape, dtype, header_bytes = _read_header(member)
    fits = len(shape) == len(expected) and all(
        length in (None, received) for length, received in zip(expected, shape, strict=False)
    )
    if not fits or dtype.kind not in "ui":
        wanted = ", ".join("N" if length is None else str(length) for length in expected)
        raise broken(path, f"{key}: expected integers ({wanted}), received {dtype} {shape}")
    # A header that promises more than the file holds must not make us reserve memory for it.
    member = archive.getinfo(f"{key}.npy")
    if member.file_size != header_bytes + math.prod(shape) * dtype.itemsize:
        raise broken(path, f"{key}: its size does not match its shape {shape}")
    if is_bomb(member.file_size, member.compress_size):
        raise broken(path, f"{key}: unpacks to more than {MOST_RATIO} times its size")
