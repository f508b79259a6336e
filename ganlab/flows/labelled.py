"""The part of the data whose labels a semi-supervised run may read."""

import numpy as np

from ganlab.config.schema import Config
from ganlab.data.dataset import Dataset
from ganlab.training.draws import generator_of


def labelled_rows(config: Config, dataset: Dataset) -> np.ndarray | None:
    """Rows of `data.labelled` training images, equally many a class, chosen by the seed: sorted; None for all.

    Raises:
        ConfigError: located, if the data do not have so many images, or the number cannot be shared among the classes.
    """
    wanted, labels = config.data.labelled, dataset.train.labels
    if wanted is None or labels is None:
        return None
    classes = dataset.form.classes
    if wanted % classes:
        message = f"expected a multiple of the {classes} classes, received {wanted}"
        raise config.error_at(("data", "labelled"), message)
    counts = np.bincount(labels, minlength=classes)
    if wanted // classes > counts.min():
        message = f"expected at most {classes * counts.min()} (class {counts.argmin()} has {counts.min()} images)"
        raise config.error_at(("data", "labelled"), f"{message}, received {wanted}")
    generator = generator_of(config.seed, "labelled")
    chosen = [generator.permutation(np.flatnonzero(labels == k))[: wanted // classes] for k in range(classes)]
    return np.sort(np.concatenate(chosen))


def readable_arrays(dataset: Dataset, rows: np.ndarray | None) -> dict[str, np.ndarray]:
    """The arrays of the training data; labels outside `rows` are -1, so that no step can read them."""
    arrays = dataset.arrays
    if rows is not None:
        hidden = np.full_like(arrays["labels"], -1)
        hidden[rows] = arrays["labels"][rows]
        arrays["labels"] = hidden
    return arrays
