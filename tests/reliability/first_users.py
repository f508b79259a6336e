"""One of many processes that want the same thing of an empty cache: module `tests.reliability.first_users`, words KIND FOLDER.

It loads what it needs, says that it is ready, and begins when all others are. Each time the work itself is done leaves a file in
FOLDER/done. It prints all of what it got, as sums.
"""

import functools
import hashlib
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np


def pictures(folder: Path) -> Callable[[], object]:
    """A user's pictures, prepared: those in FOLDER/pictures."""
    from ganlab.config.schema import Data
    from ganlab.data import folder as data

    counting(folder, data, "_write_array")
    options = Data(name="folder", source=str(folder / "pictures"))
    return lambda: data.load(options).fingerprint


def statistics(folder: Path) -> Callable[[], object]:
    """What a metric needs of real data."""
    from ganlab.metrics.statistics import cached

    def compute() -> dict[str, np.ndarray]:
        mark(folder)
        return {"features": np.arange(1_000_000)}

    extractor = SimpleNamespace(recipe={"extractor": "random"}, weight_hash="h")
    return lambda: cached("some", extractor, {}, compute)["features"].sum()


def classifier(folder: Path) -> Callable[[], object]:
    """The classifier of labelled pictures, for which no trained one is shipped."""
    from ganlab.data.dataset import Dataset, Split, fingerprint_of
    from ganlab.metrics import classifier as module

    counting(folder, module, "train_classifier")
    module.RECIPE["steps"] = 20
    numbers = np.random.default_rng(0)
    split = Split(numbers.integers(0, 256, (200, 8, 8, 1), dtype=np.uint8), numbers.integers(0, 3, 200))
    dataset = Dataset("mine", split, None, fingerprint_of(split.images), ("a", "b", "c"), "memory")
    return lambda: whole(module.trained_weights(dataset))


def inception(folder: Path) -> Callable[[], object]:
    """Inception's weights, converted from the file that GANLAB_INCEPTION names."""
    from ganlab.metrics import inception_weights

    counting(folder, inception_weights, "_convert")
    return lambda: whole(inception_weights.converted_weights())


def keras_inception(folder: Path) -> Callable[[], object]:
    """Inception's weights in Keras' own cache, from FOLDER/keras.weights.h5 instead of the address that Keras knows."""
    from keras.src.applications.inception_v3 import file_utils

    from ganlab.metrics.inception_extractor import load_keras_inception

    published, get_file = folder / "keras.weights.h5", file_utils.get_file
    md5 = hashlib.md5(published.read_bytes()).hexdigest()
    # Keras reads /tmp/.keras where this folder is missing; an earlier test may have left its file there.
    (folder / "keras").mkdir(exist_ok=True)
    file_utils.get_file = lambda *_, cache_subdir, file_hash: get_file(
        published.name, published.as_uri(), cache_dir=folder / "keras", cache_subdir=cache_subdir, file_hash=md5
    )
    counting_requests(folder)
    return lambda: load_keras_inception((8, 8, 1)).weight_hash


def download(folder: Path) -> Callable[[], object]:
    """A published file: FOLDER/published.bin, by its file:// address."""
    from ganlab.data.sources import Download, fetch_files

    published = folder / "published.bin"
    file = Download("data.bin", published.as_uri(), sha256(published.read_bytes()))
    counting_requests(folder)
    return lambda: sha256(fetch_files("mine", [file])[0].read_bytes())


KINDS = {kind.__name__: kind for kind in (pictures, statistics, classifier, inception, keras_inception, download)}


def whole(path: Path) -> tuple:
    """A file of weights as this process finds it; whether it is a right one is asked once, by the test."""
    return path.name, sha256(path.read_bytes())


def counting(folder: Path, module: ModuleType, name: str) -> None:
    """Has each call of a function leave a mark; it does what it did."""
    function = getattr(module, name)

    @functools.wraps(function)
    def counted(*arguments, **options):
        mark(folder)
        return function(*arguments, **options)

    setattr(module, name, counted)


def counting_requests(folder: Path) -> None:
    """Has each opening of an address leave a mark: Python tells of them, whichever library asks."""
    sys.addaudithook(lambda event, values: mark(folder) if event == "urllib.Request" else None)


def mark(folder: Path) -> None:
    (folder / "done" / secrets.token_hex(8)).touch()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(kind: str, folder: Path) -> None:
    use = KINDS[kind](folder)
    (folder / "ready" / str(os.getpid())).touch()
    while not (folder / "go").exists():
        time.sleep(0.005)
    print(use())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
