"""Metrics of four "generators" whose quality is known: unseen real images, half and full copies, and noisy images.

    python benchmarks/unseen_images.py mnist fashion_mnist

Prints the table of docs/metrics.md: each value beside its floor.
"""

import sys

import numpy as np

from ganlab.backends.select import select_backend
from ganlab.config.schema import Data
from ganlab.data.dataset import Dataset
from ganlab.data.registry import load_dataset

METRICS = ["fd5k_classifier", "fd5k_classifier_test", "is5k_classifier", "pr5k_classifier", "copies5k_classifier"]
COUNT = 5_000


def generators(dataset: Dataset) -> dict[str, np.ndarray]:
    """Name -> 5,000 uint8 images. Unseen images are the last ones, which the `_test` metrics compare with least."""
    from ganlab.metrics.statistics import select_real

    seen = dataset.train.images[select_real(dataset, COUNT)]
    unseen = dataset.test.images[select_real(dataset, dataset.test.count, "test")[-COUNT:]]
    half = np.where(np.arange(COUNT).reshape(-1, 1, 1, 1) % 2, unseen, seen)
    noise = np.random.default_rng(0).normal(0, 25, unseen.shape)
    noisy = np.clip(unseen + noise, 0, 255).round().astype(np.uint8)
    return {"unseen real images": unseen, "training images": seen, "half of each": half, "unseen with noise": noisy}


def main(names: list[str]) -> None:
    select_backend()
    from ganlab.metrics.evaluation import evaluate_all
    from ganlab.metrics.protocols import resolve
    from ganlab.pictures.images import from_uint8

    for name in names:
        dataset = load_dataset(Data(name=name))
        columns = {
            label: evaluate_all(
                resolve(METRICS, dataset), lambda count, i=images: from_uint8(i[:count], "tanh"), dataset, "tanh"
            )
            for label, images in generators(dataset).items()
        }
        print(f"\n| {name} | floor | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}")
        for row in zip(*columns.values(), strict=True):
            numbers = [row[0].floor, *(value.value for value in row)]
            print(f"| `{row[0].name}` | {' | '.join(f'{number:.4g}' for number in numbers)} |")


if __name__ == "__main__":
    main(sys.argv[1:] or ["mnist", "fashion_mnist"])
