"""CIFAR-10: 50,000 + 10,000 photographs of ten classes, 32x32 colour (Krizhevsky 2009).

The Python archive, which Keras downloads, is a set of pickles and therefore not read; the binary archive has
the same images as plain records of one label byte and 3 x 1024 bytes, red, green and blue.
"""

import tarfile
import zlib
from pathlib import Path

import numpy as np

from ganlab.data.mnist_forms import npz_form
from ganlab.data.published import Form, Published
from ganlab.data.sources import Download
from ganlab.storage.damage import broken
from ganlab.storage.unpacking import open_tar

_RECORD = 1 + 3 * 32 * 32
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = ("test_batch.bin",)
_NPZ_SHAPES = {
    "x_train": (None, 32, 32, 3),
    "y_train": (None, 1),
    "x_test": (None, 32, 32, 3),
    "y_test": (None, 1),
}
_MOST_BYTES = 100_000_000  # of one batch file; the real ones have 30,730,000


def _visit_batches(path: Path, visit) -> dict:
    """{file name: visit(archive, member)} for the six batch files, in one pass through the archive."""
    wanted, found = {*_TRAIN, *_TEST}, {}
    try:
        with open_tar(path) as archive:
            for member in archive:
                name = Path(member.name).name
                if name not in wanted or not member.isfile():
                    continue
                if not member.size or member.size % _RECORD or member.size > _MOST_BYTES:
                    raise broken(path, f"{name}: expected records of {_RECORD} bytes, received {member.size}")
                found[name] = visit(archive, member)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise broken(path, error) from error
    if missing := sorted(wanted - found.keys()):
        raise broken(path, f"expected {missing[0]} in the archive")
    return found


def _read_binary(paths: list[Path]) -> tuple[np.ndarray, ...]:
    def records(archive: tarfile.TarFile, member: tarfile.TarInfo) -> np.ndarray:
        values = archive.extractfile(member).read()
        if len(values) != member.size:
            raise broken(paths[0], f"{member.name}: ends after {len(values)} of {member.size} bytes")
        return np.frombuffer(values, np.uint8).reshape(-1, _RECORD)

    batches = _visit_batches(paths[0], records)
    parts = []
    for names in (_TRAIN, _TEST):
        planes = np.concatenate([batches[name][:, 1:] for name in names]).reshape(-1, 3, 32, 32)
        parts += [planes.transpose(0, 2, 3, 1), np.concatenate([batches[name][:, 0] for name in names])]
    return tuple(parts)


def _count_binary(paths: list[Path]) -> tuple[int, int]:
    counts = _visit_batches(paths[0], lambda archive, member: member.size // _RECORD)
    return sum(counts[name] for name in _TRAIN), sum(counts[name] for name in _TEST)


PUBLISHED = Published(
    name="cifar10",
    shape=(32, 32, 3),
    class_names=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    forms=(
        npz_form("cifar10.npz", _NPZ_SHAPES),
        Form(("cifar-10-binary.tar.gz",), _read_binary, _count_binary),
    ),
    downloads=(
        Download(
            "cifar-10-binary.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
)
load = PUBLISHED.load
describe = PUBLISHED.describe
