"""`ganlab neighbours`: the nearest training image of generated images, and of real images that were not trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganlab.data.dataset import Dataset
from ganlab.errors import GanlabError
from ganlab.flows.load import load_checkpoint, load_training_data
from ganlab.metrics.names import Real
from ganlab.metrics.scores import nearest
from ganlab.pictures.images import to_uint8
from ganlab.runs.folder import RunFolder

COMPARED = 1_000  # generated images, and held-out real images, behind the mean distances
_BLOCK = 10_000  # training images whose pixels are held as float64 at once
# (rows of the nearest training images, squared distances) of generated images; the squared distances of held-out images
_Nearest = tuple[tuple[np.ndarray, np.ndarray], np.ndarray | None]


@dataclass(frozen=True)
class Neighbours:
    """Generated images and the nearest training image of each.

    Attributes:
        folder, step: the run and the step of its checkpoint.
        generated: uint8 (COMPARED, H, W, C).
        rows: the rows of the nearest training images, int (COMPARED,).
        found: these images, as `generated`.
        distances: Euclidean, of pixels in [0, 1] or of features; (COMPARED,).
        held_out: the distances of real images of the test split to their nearest training image; None without a test split.
    """

    folder: RunFolder
    step: int
    generated: np.ndarray
    rows: np.ndarray
    found: np.ndarray
    distances: np.ndarray
    held_out: np.ndarray | None


def find_neighbours(path: Path, step: int | None, by: str, backend: str | None = None) -> Neighbours:
    """Compares COMPARED images of a checkpoint, from latents of the run's seed, with all training images.

    Raises: GanlabError for data that are no images or not those of the training.
    """
    loaded = load_checkpoint(RunFolder(path), step, backend)
    dataset = load_training_data(loaded)
    if not dataset.form.is_image:
        raise GanlabError(f"{path}: expected a run on images, received data of shape {dataset.shape}")
    generated = to_uint8(loaded.sampler.draw(COMPARED, "neighbours"), loaded.config.data.range)
    held_out = min(COMPARED, dataset.test.count) if dataset.test else 0
    search = _by_features if by == "features" else _by_pixels
    (rows, squared), others = search(dataset, generated, held_out)
    distances = (np.sqrt(squared), None if others is None else np.sqrt(others))
    return Neighbours(loaded.folder, loaded.step, generated, rows, dataset.train.images[rows], *distances)


def _by_pixels(dataset: Dataset, generated: np.ndarray, held_out: int) -> _Nearest:
    from ganlab.metrics.statistics import select_real

    def vectors(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1) / 255.0

    def search(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points, train = vectors(images), dataset.train.images
        rows, squared = np.zeros(len(points), np.int64), np.full(len(points), np.inf)
        for start in range(0, len(train), _BLOCK):
            of_block, distances = nearest(points, vectors(train[start : start + _BLOCK]))
            nearer = distances < squared
            rows[nearer], squared[nearer] = start + of_block[nearer], distances[nearer]
        return rows, squared

    others = search(dataset.test.images[select_real(dataset, held_out, "test")])[1] if held_out else None
    return search(generated), others


def _by_features(dataset: Dataset, generated: np.ndarray, held_out: int) -> _Nearest:
    """In the features of the classifier, or of the random network for data without labels."""
    from ganlab.metrics.extractors import EXTRACTORS
    from ganlab.metrics.statistics import load_statistics, select_real

    extractor = EXTRACTORS["random" if dataset.train.labels is None else "classifier"].load(dataset)
    train = load_statistics(dataset, extractor, Real("all"), COMPARED).real.features
    others = None
    if held_out:
        real = load_statistics(dataset, extractor, Real("sample", "test"), held_out).real.features
        others = nearest(real, train)[1]
    rows, squared = nearest(extractor.extract(generated).features, train)
    # Features of all training images are in the order of a permutation.
    return (select_real(dataset, dataset.count)[rows], squared), others
