"""Batches that stay the same for a whole run: reference batches, and the inputs behind histograms."""

from typing import TYPE_CHECKING

import numpy as np

from ganlab.config.schema import Config
from ganlab.pictures.images import from_uint8
from ganlab.training.draws import generator_of, latents_of

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset


def fixed_batch(config: Config, dataset: "Dataset", network: str, count: int, purpose: str) -> dict[str, np.ndarray]:
    """Inputs of one network that depend on the run's seed and on `purpose` alone.

    Args:
        config, dataset: of the run.
        network: the network's name.
        count: number of samples. Data with fewer samples give all of them.
        purpose: keeps the batches of different uses apart.

    Returns: `input`, float32 (count, *shape): latents for the generator, real samples for another network; and for data with
        classes `labels`, one-hot float32 (count, classes).
    """
    train, classes = dataset.train, dataset.form.classes
    if network == "generator":
        labels = np.arange(count)  # every class in turn
        batch = latents_of(config.latent, config.seed, purpose, count)
    else:
        rows = generator_of(config.seed, f"{purpose} {network}").permutation(train.count)[:count]
        batch, labels = train.images[rows], None if train.labels is None else train.labels[rows]
        batch = from_uint8(batch, config.data.range) if batch.dtype == np.uint8 else batch
    return {"input": batch} | ({"labels": np.eye(classes, dtype=np.float32)[labels % classes]} if classes else {})
