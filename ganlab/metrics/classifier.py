"""The classifier whose features and class probabilities score images of a labelled data set."""

import functools
import hashlib
import itertools
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.errors import MissingDataError
from ganlab.metrics.extraction import Extractor, compile_for_batches, to_network_range
from ganlab.storage.cache import cache_folder, compute_once
from ganlab.storage.weights import hash_of_arrays, read_weights, write_weights

if TYPE_CHECKING:
    import keras

    from ganlab.data.dataset import Dataset

RECIPE: dict[str, Any] = {
    "extractor": "classifier",
    "version": 1,
    "features": "dense, 64, before the logits",
    "filters": [16, 32, 64],  # the last is repeated until the side is at most 4
    "input": "uint8 scaled to [-1, 1], no resize",
    "steps": 6000,
    "batch_size": 128,
    "optimizer": "Adam, 2e-3, cosine decay to 0",
    "dropout": 0.3,
    "shift": "each batch, up to side / 14 and at least 1 pixel each way, edges repeated",
    "seed": 0,
}
SHIPPED_FOLDER = Path(__file__).parent / "weights"
SHIPPED_SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1)}
SHIPPED_CLASSES = 10
_log = logging.getLogger(__name__)


def load_classifier(dataset: "Dataset") -> Extractor:
    """The classifier for labelled images: with shipped weights, or trained here once and cached.

    Raises:
        MissingDataError: if weights are damaged or belong to another network.
    """
    if is_shipped(dataset):
        path, remedy = SHIPPED_FOLDER / f"{dataset.name}.weights.h5", "Reinstall ganlab"
    else:
        path = trained_weights(dataset)
        remedy = f"Delete {path}, ganlab trains the classifier again"
    return _load(path, dataset.shape, dataset.form.classes, remedy)


def trained_weights(dataset: "Dataset") -> Path:
    """The weights of a classifier that is not shipped, in the cache, trained once."""
    labels = hash_of_arrays([dataset.train.labels])
    trained_on = [RECIPE, dataset.fingerprint, labels, dataset.form.classes]
    key = hashlib.sha256(json.dumps(trained_on).encode()).hexdigest()[:16]
    path = cache_folder() / "classifiers" / f"{dataset.name}-{key}.weights.h5"
    return compute_once(path, functools.partial(_train_and_write, dataset))


def is_shipped(dataset: "Dataset") -> bool:
    """Whether the package brings weights for these data: the published ones, in this shape."""
    is_known = dataset.note is None and dataset.shape == SHIPPED_SHAPES.get(dataset.name)
    return is_known and dataset.form.classes == SHIPPED_CLASSES


def build_classifier(shape: tuple[int, int, int], classes: int, drawn: bool = True) -> "keras.Model":
    """A small convolutional network; each layer after the first halves the side, down to at most 4.

    Args:
        shape: (H, W, C) of images in [-1, 1].
        classes: number of classes.
        drawn: whether kernels are drawn from a fixed seed. Zeros are faster, for weights that come from a file.

    Returns:
        A model with outputs features (N, 64) and probabilities (N, classes).
    """
    import keras
    from keras import layers

    seeds = itertools.count(RECIPE["seed"])
    widths = itertools.chain(RECIPE["filters"], itertools.repeat(RECIPE["filters"][-1]))

    def weights_of_seed() -> dict[str, Any]:
        # float32 for any precision of the networks under test.
        initializer = keras.initializers.GlorotUniform(seed=next(seeds)) if drawn else "zeros"
        return {"kernel_initializer": initializer, "dtype": "float32"}

    def convolution(strides: int) -> keras.Layer:
        options = {"padding": "same", "activation": "relu", **weights_of_seed()}
        return layers.Conv2D(next(widths), 3, strides=strides, **options)

    images = keras.Input(shape, dtype="float32")
    outputs = convolution(strides=1)(images)
    while max(outputs.shape[1:3]) > 4:
        outputs = convolution(strides=2)(outputs)
    outputs = layers.Flatten(dtype="float32")(outputs)
    features = layers.Dense(64, activation="relu", name="features", **weights_of_seed())(outputs)
    dropped = layers.Dropout(RECIPE["dropout"], seed=RECIPE["seed"], dtype="float32")(features)
    logits = layers.Dense(classes, name="logits", **weights_of_seed())(dropped)
    probabilities = layers.Softmax(name="probabilities", dtype="float32")(logits)
    return keras.Model(images, {"features": features, "probabilities": probabilities}, name="classifier")


def train_classifier(images: np.ndarray, labels: np.ndarray, classes: int) -> "keras.Model":
    """Trains `build_classifier` by RECIPE, on the same batches on every machine.

    Args:
        images: uint8, shape (N, H, W, C).
        labels: shape (N,), integers below `classes`.
    """
    import keras

    model = build_classifier(images.shape[1:], classes)
    training = keras.Model(model.input, model.get_layer("logits").output)
    compile_for_batches(
        training,
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, RECIPE["steps"])),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    generator = np.random.Generator(np.random.Philox(RECIPE["seed"]))
    order = np.empty(0, np.int64)
    for _ in range(RECIPE["steps"]):
        while len(order) < RECIPE["batch_size"]:  # small sets need several passes for one batch
            order = np.concatenate([order, generator.permutation(len(images))])
        batch, order = np.split(order, [RECIPE["batch_size"]])
        shifted = _shift(images[batch], generator)
        training.train_on_batch(to_network_range(shifted), labels[batch].astype(np.int32))
    return model


def _shift(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Moves a batch by one random offset.

    Without these shifts, the classifier's features of training images drift away from its features of unseen images, and
    generated images are compared with the training images.
    """
    reach = max(1, max(images.shape[1:3]) // 14)
    top, left = generator.integers(0, 2 * reach + 1, 2)
    padded = np.pad(images, [(0, 0), (reach, reach), (reach, reach), (0, 0)], mode="edge")
    return padded[:, top : top + images.shape[1], left : left + images.shape[2]]


def _train_and_write(dataset: "Dataset", path: Path) -> None:
    _log.info("training the classifier of %s once, which takes minutes", dataset.name)
    model = train_classifier(dataset.train.images, dataset.train.labels, dataset.form.classes)
    write_weights(path, model)


@functools.lru_cache(maxsize=4)
def _load(path: Path, shape: tuple[int, int, int], classes: int, remedy: str) -> Extractor:
    """Keeps extractors between calls: to build and compile the network takes longer than a small evaluation."""
    model = build_classifier(shape, classes, drawn=False)
    weight_hash = read_weights(path, model, remedy, MissingDataError)
    compile_for_batches(model)
    return Extractor(RECIPE, model, weight_hash)
