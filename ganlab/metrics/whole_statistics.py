"""Moments of a whole training set as an extractor sees it, computed once and shared by all runs: `_full` metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganlab.metrics.distances import frechet_distance
from ganlab.metrics.extraction import Extractor
from ganlab.metrics.moments import Moments, merge, moments_of
from ganlab.metrics.statistics import cached, read_arrays, select_real

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset

_CHUNK = 8192  # images whose features are held at once


@dataclass(frozen=True)
class WholeStatistics:
    """A whole training set.

    Attributes:
        real: moments of all its images.
        floors: "fd_whole" to the distance between two disjoint parts of it: as many images as are generated, or half
            of all if those are fewer, and the rest.
        floor_count: size of the first of them.
    """

    real: Moments
    floors: dict[str, float]
    floor_count: int


def load_whole_statistics(dataset: "Dataset", extractor: Extractor, count: int) -> WholeStatistics:
    """Statistics of the whole training set beside which `count` generated images are put, cached if possible."""
    described = {"measures": "fd_whole", "floor": min(count, dataset.count // 2)}
    path, key = cached(
        dataset,
        extractor,
        f"all-{count}",
        described,
        compute=lambda target, key: _write(target, key, _compute(dataset, extractor, count)),
        read=_read,
    )
    return _read(path, key)


def _compute(dataset: "Dataset", extractor: Extractor, count: int) -> WholeStatistics:
    order = select_real(dataset, dataset.count)
    floor_count = min(count, dataset.count // 2)
    sample, rest = (_moments(dataset, extractor, part) for part in np.split(order, [floor_count]))
    floor = frechet_distance(sample.mean, sample.covariance, rest.mean, rest.covariance)
    return WholeStatistics(merge(sample, rest), {"fd_whole": floor}, floor_count)


def _moments(dataset: "Dataset", extractor: Extractor, indices: np.ndarray) -> Moments:
    def chunks() -> Iterator[Moments]:
        for part in np.array_split(indices, -(-len(indices) // _CHUNK)):  # of nearly one size, so at least two each
            yield moments_of(extractor.extract(dataset.train.images[part]).features)

    return reduce(merge, chunks())


def _write(path: Path, key: str, statistics: WholeStatistics) -> None:
    np.savez(
        path,
        key=np.array(key),
        count=np.array(statistics.real.count),
        mean=statistics.real.mean,
        covariance=statistics.real.covariance,
        floor=np.array(statistics.floors["fd_whole"]),
        floor_count=np.array(statistics.floor_count),
    )


def _read(path: Path, key: str) -> WholeStatistics | None:
    """None if the file is damaged or of other data."""
    arrays = read_arrays(path, key)
    if arrays is None or not {"count", "mean", "covariance", "floor", "floor_count"} <= set(arrays):
        return None
    moments = Moments(int(arrays["count"]), arrays["mean"], arrays["covariance"])
    sound = np.isfinite(moments.mean).all() and np.isfinite(moments.covariance).all()
    floors = {"fd_whole": float(arrays["floor"])}
    return WholeStatistics(moments, floors, int(arrays["floor_count"])) if sound else None
