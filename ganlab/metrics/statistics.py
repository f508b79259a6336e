"""What a metric needs of the real data, computed once and shared by all runs: features and floors."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.metrics.extraction import Extractor, Sample
from ganlab.metrics.measures import MEASURES
from ganlab.metrics.names import kinds_of
from ganlab.storage.cache import cache_folder, compute_once

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset

SELECTION_SEED = 0
_FORMAT = 1


@dataclass(frozen=True)
class RealStatistics:
    """Real data as an extractor sees it.

    Attributes:
        sample: N real training images.
        floors: kind and suffix ("fd", "pr.recall", ...) to the metric's value between real samples.
        floor_count: size of the two disjoint real samples behind the floors that compare two.
    """

    sample: Sample
    floors: dict[str, float]
    floor_count: int

    @property
    def real(self) -> Sample:
        """What a measure compares with."""
        return self.sample


def select_real(dataset: "Dataset", count: int) -> np.ndarray:
    """Indices of `count` training images: the start of a permutation of fixed seed."""
    generator = np.random.Generator(np.random.Philox(SELECTION_SEED))
    return generator.permutation(dataset.count)[:count]


def load_real_statistics(dataset: "Dataset", extractor: Extractor, count: int) -> RealStatistics:
    """Statistics of `count` real training images, from the cache if they are there and sound."""
    kinds = _sample_kinds(extractor, count)
    path, key = cached(
        dataset,
        extractor,
        str(count),
        {"measures": {kind: MEASURES[kind].settings for kind in kinds}, "count": count},
        compute=lambda target, key: _write(target, key, _compute(dataset, extractor, count)),
        read=lambda candidate, key: _read(candidate, key, count),
    )
    return _read(path, key, count)


def cached(
    dataset: "Dataset",
    extractor: Extractor,
    word: str,
    described: dict[str, Any],
    compute: Callable[[Path, str], None],
    read: Callable[[Path, str], Any],
) -> tuple[Path, str]:
    """Has a file of statistics made once, under a name that changes with all that they depend on.

    Args:
        dataset, extractor: what they are statistics of.
        word: part of the file's name, for people.
        described: what else they depend on, as plain data.
        compute: writes them to a path, with the key.
        read: gives None for a file that is damaged or has another key.

    Returns:
        The path, and the key: all of the description as text.
    """
    everything = {
        "format": _FORMAT,
        "data": dataset.fingerprint,
        "recipe": extractor.recipe,
        "weights": extractor.weight_hash,
        "seed": SELECTION_SEED,
        **described,
    }
    key = json.dumps(everything, sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    path = compute_once(
        cache_folder() / "statistics" / f"{dataset.name}-{extractor.recipe['extractor']}-{word}-{digest}.npz",
        compute=lambda target: compute(target, key),
        is_valid=lambda candidate: read(candidate, key) is not None,
    )
    return path, key


def read_arrays(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """The arrays of a file of statistics; None if it is damaged (zip members carry a checksum) or has another key."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays if str(arrays["key"]) == key else None
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _sample_kinds(extractor: Extractor, count: int) -> list[str]:
    return [kind for kind in kinds_of(extractor.recipe["extractor"], count) if MEASURES[kind].real != "whole"]


def _compute(dataset: "Dataset", extractor: Extractor, count: int) -> RealStatistics:
    total = dataset.count
    floor_count = min(count, total // 2)
    chosen = select_real(dataset, max(count, 2 * floor_count))
    reals = extractor.extract(dataset.train.images[chosen])
    one, other = reals[:floor_count], reals[floor_count : 2 * floor_count]
    floors = {}
    for kind in _sample_kinds(extractor, count):
        measure = MEASURES[kind]
        # A score of one sample has the whole real sample as its floor, a comparison two disjoint ones.
        pair = (one, other) if measure.real else (reals[:count], reals[:count])
        floors |= {kind + suffix: value for suffix, value in measure.compute(*pair)[0].items()}
    return RealStatistics(reals[:count], floors, floor_count)


def _write(path: Path, key: str, statistics: RealStatistics) -> None:
    sample = statistics.sample
    probabilities = {} if sample.probabilities is None else {"probabilities": sample.probabilities}
    np.savez(
        path,
        key=np.array(key),
        features=sample.features,
        floor_names=np.array(list(statistics.floors)),
        floor_values=np.array(list(statistics.floors.values()), np.float64),
        floor_count=np.array(statistics.floor_count),
        **probabilities,
    )


def _read(path: Path, key: str, count: int) -> RealStatistics | None:
    """None if the file is damaged or of other data."""
    arrays = read_arrays(path, key)
    if arrays is None or not {"features", "floor_names", "floor_values", "floor_count"} <= set(arrays):
        return None
    sample = Sample(arrays["features"], arrays.get("probabilities"))
    floors = dict(zip(arrays["floor_names"].tolist(), arrays["floor_values"].tolist(), strict=True))
    sound = len(sample) == count and np.isfinite(sample.features).all()
    return RealStatistics(sample, floors, int(arrays["floor_count"])) if sound else None
