"""Features and moments of real images: computed once, cached, shared by all runs."""

import functools
import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.metrics.distances import Moments, merge, moments_of
from ganlab.metrics.extraction import Extractor, Sample
from ganlab.metrics.names import SELECTION_SEED, Real
from ganlab.storage.cache import cache_folder, compute_once
from ganlab.storage.weights import hash_of_arrays

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset

_FORMAT = 2
_CHUNK = 8192  # images whose features are held at once while moments are computed


@dataclass(frozen=True)
class RealStatistics:
    """The features or moments of one part of the real data.

    Attributes:
        real: of the images that generated images are compared with.
        halves: of two disjoint parts of the same images, for the floor; the second stands for generated images.
        floor_count: number of images in the second half: as many as are generated, or half of all if there are fewer.
    """

    real: Sample | Moments
    halves: tuple[Sample, Sample] | tuple[Moments, Moments]
    floor_count: int

    @property
    def hash(self) -> str:
        """The sha256 over the arrays of `real`, without labels."""
        arrays = {name: array for name, array in vars(self.real).items() if name != "labels" and array is not None}
        return hash_of_arrays(map(np.asarray, arrays.values()))


def select_real(dataset: "Dataset", count: int, split: str = "train") -> np.ndarray:
    """Indices of `count` real images: the start of a permutation of fixed seed."""
    generator = np.random.Generator(np.random.Philox(SELECTION_SEED))
    return generator.permutation(getattr(dataset, split).count)[:count]


def rarest_class(dataset: "Dataset", part: Real, count: int) -> tuple[int, int, int]:
    """The class with the fewest images in a sample of `load_statistics` or in one of its halves.

    Returns: the class, its images there, and the number of all images there.
    """
    labels = getattr(dataset, part.split).labels
    held = min(count, len(labels) // 2)
    ordered = labels[select_real(dataset, max(count, 2 * held), part.split)]
    samples = ordered[:count], ordered[:held], ordered[held : 2 * held]
    counts = [np.bincount(sample, minlength=dataset.form.classes) for sample in samples]
    found = [(int(each.min()), int(each.argmin()), len(sample)) for each, sample in zip(counts, samples, strict=True)]
    images, label, size = min(found)
    return label, images, size


def load_statistics(dataset: "Dataset", extractor: Extractor, part: Real, count: int) -> RealStatistics:
    """Statistics of a part of the real data, for `count` generated images."""
    split = getattr(dataset, part.split)
    held = min(count, split.count // 2)
    if part.form == "moments":
        order = np.split(select_real(dataset, split.count, part.split), [held])
        arrays = cached(
            f"{dataset.name}-{part.split}-moments-{held}",
            extractor,
            {"data": fingerprints(dataset, [part]), "moments": held},
            lambda: _moments(extractor, split.images, order),
        )
        rows = zip(arrays["count"], arrays["mean"], arrays["covariance"], strict=True)
        first, rest = (Moments(int(count), mean, covariance) for count, mean, covariance in rows)
        return RealStatistics(merge(first, rest), (rest, first), held)
    chosen = select_real(dataset, split.count if part.form == "all" else max(count, 2 * held), part.split)
    arrays = cached(
        f"{dataset.name}-{part.split}-{len(chosen)}",
        extractor,
        {"data": fingerprints(dataset, [part]), "images": len(chosen)},
        lambda: _features(extractor.extract(split.images[chosen])),
    )
    sample = Sample(**arrays, labels=None if split.labels is None else split.labels[chosen])
    if part.form == "all":
        return RealStatistics(sample, (sample[held:], sample[:held]), held)
    return RealStatistics(sample[:count], (sample[:held], sample[held : 2 * held]), held)


def fingerprints(dataset: "Dataset", parts: Sequence[Real], with_labels: bool = False) -> dict[str, str]:
    """The sha256 of the samples of each split that these parts belong to: see `Dataset.origin`."""
    return {split: dataset.origin(split, with_labels) for split in sorted({part.split for part in parts})}


def cached(
    name: str, extractor: Extractor, described: dict[str, Any], compute: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Arrays that are computed once and kept in a file; a hash of everything that they depend on is part of its name.

    Args:
        name: begins the file's name, for people.
        extractor: its recipe and weights are part of the hash.
        described: everything else that the arrays depend on, as plain data.
        compute: gives the arrays, by name.
    """
    everything = {"format": _FORMAT, "recipe": extractor.recipe, "weights": extractor.weight_hash, **described}
    key = json.dumps({"seed": SELECTION_SEED, **everything}, sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    path = cache_folder() / "statistics" / f"{name}-{extractor.recipe['extractor']}-{digest}.npz"
    compute_once(
        path,
        compute=lambda target: np.savez(target, key=np.array(key), **compute()),
        is_valid=lambda candidate: _read(candidate, key) is not None,
    )
    return _read(path, key)


def _read(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """The arrays of a file; None if it is damaged (zip members carry a checksum), not finite or has another key."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        sound = str(arrays.pop("key")) == key and all(np.isfinite(array).all() for array in arrays.values())
        return arrays if sound else None
    except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile):
        return None


def _features(sample: Sample) -> dict[str, np.ndarray]:
    return {name: array for name, array in vars(sample).items() if array is not None}


def _moments(extractor: Extractor, images: np.ndarray, parts: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Counts, means and covariances of images with these indices, one row a part."""

    def of(indices: np.ndarray) -> Moments:
        chunks = np.array_split(indices, -(-len(indices) // _CHUNK))  # of nearly one size, so at least two images each
        return functools.reduce(merge, (moments_of(extractor.extract(images[each]).features) for each in chunks))

    moments = [of(part) for part in parts]
    return {name: np.array([getattr(each, name) for each in moments]) for name in ("count", "mean", "covariance")}
