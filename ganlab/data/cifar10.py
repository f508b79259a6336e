"""CIFAR-10: 50,000 + 10,000 photographs of ten classes, 32x32 colour (Krizhevsky 2009).

The Python archive, which Keras downloads, is a set of pickles and therefore not read; the binary archive has
the same images as plain records of one label byte and 3 x 1024 bytes, red, green and blue.
"""

import tarfile
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from ganlab.data.published import Published, read_keras_npz
from ganlab.data.sources import Download
from ganlab.storage.unpacking import broken, open_tar

_RECORD = 1 + 3 * 32 * 32
_TRAIN = [f"data_batch_{number}.bin" for number in range(1, 6)]
_TEST = ["test_batch.bin"]
_MOST_BYTES = 100_000_000  # of one batch file; the real ones have 30,730,000


def _read_binary(paths: list[Path]) -> tuple[np.ndarray, ...]:
    wanted, found = {*_TRAIN, *_TEST}, {}
    try:
        with open_tar(paths[0]) as archive:
            for member in archive:
                name = Path(member.name).name
                if name in wanted and member.isfile():
                    found[name] = _records(paths[0], archive, member)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise broken(paths[0], error) from error
    if missing := sorted(wanted - found.keys()):
        raise broken(paths[0], f"expected {missing[0]} in the archive")
    return *_unpacked([found[name] for name in _TRAIN]), *_unpacked([found[name] for name in _TEST])


def _unpacked(batches: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels."""
    records = np.concatenate(batches)
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]


def _records(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> np.ndarray:
    """The records of one batch file, uint8 (N, 3073)."""
    name = Path(member.name).name
    if not member.size or member.size % _RECORD or member.size > _MOST_BYTES:
        raise broken(path, f"{name}: expected records of {_RECORD} bytes, received {member.size}")
    values = archive.extractfile(member).read()
    if len(values) != member.size:
        raise broken(path, f"{name}: ends after {len(values)} of {member.size} bytes")
    return np.frombuffer(values, np.uint8).reshape(-1, _RECORD)


CIFAR10 = Published(
    name="cifar10",
    shape=(32, 32, 3),
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    forms={
        (r"cifar10\.npz",): partial(read_keras_npz, image=(32, 32, 3), label=(1,)),
        (r"cifar-10-binary\.tar\.gz",): _read_binary,
    },
    downloads=(
        Download(
            "cifar-10-binary.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
)
