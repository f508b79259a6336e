"""What a metric needs of the real data, computed once and shared by all runs: features and floors."""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganlab.cache import cache_folder, compute_once
from ganlab.metrics.extraction import Extractor, Sample
from ganlab.metrics.measures import MEASURES

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


def select_real(dataset: "Dataset", count: int) -> np.ndarray:
    """Indices of `count` training images: the start of a permutation of fixed seed."""
    generator = np.random.Generator(np.random.Philox(SELECTION_SEED))
    return generator.permutation(dataset.count)[:count]


def load_real_statistics(dataset: "Dataset", extractor: Extractor, count: int) -> RealStatistics:
    """Statistics of `count` real training images, from the cache if they are there and sound."""
    described = {
        "format": _FORMAT,
        "data": dataset.fingerprint,
        "recipe": extractor.recipe,
        "weights": extractor.weight_hash,
        "measures": {kind: measure.settings for kind, measure in MEASURES.items()},
        "count": count,
        "seed": SELECTION_SEED,
    }
    key = json.dumps(described, sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    name = f"{dataset.name}-{extractor.recipe['extractor']}-{count}-{digest}.npz"
    path = compute_once(
        cache_folder() / "statistics" / name,
        compute=lambda target: _write(target, key, _compute(dataset, extractor, count)),
        is_valid=lambda candidate: _read(candidate, key, count) is not None,
    )
    return _read(path, key, count)


def _compute(dataset: "Dataset", extractor: Extractor, count: int) -> RealStatistics:
    total = dataset.count
    floor_count = min(count, total // 2)
    chosen = select_real(dataset, max(count, 2 * floor_count))
    reals = extractor.extract(dataset.train.images[chosen])
    one, other = reals[:floor_count], reals[floor_count : 2 * floor_count]
    floors = {}
    for kind in ("fd",) if reals.probabilities is None else MEASURES:
        measure = MEASURES[kind]
        # A score of one sample has the whole real sample as its floor, a comparison two disjoint ones.
        pair = (one, other) if measure.needs_real else (reals[:count], reals[:count])
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
    """None if the file is damaged (zip members carry a checksum) or of other data."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        sample = Sample(arrays["features"], arrays.get("probabilities"))
        floors = dict(zip(arrays["floor_names"].tolist(), arrays["floor_values"].tolist(), strict=True))
        statistics = RealStatistics(sample, floors, int(arrays["floor_count"]))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    sound = str(arrays["key"]) == key and sample.features.shape[0] == count
    return statistics if sound and np.isfinite(sample.features).all() else None
