"""A random convolutional network of fixed weights: features for data without labels or trained weights.

Features of untrained convolutions tell samples apart in any domain (Naeem et al. 2020, arXiv 2002.09797);
their distances can be compared among images of one shape only.
"""

import functools
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.metrics.extraction import Extractor, compile_for_batches
from ganlab.storage.weights import hash_of_arrays

if TYPE_CHECKING:
    import keras

RECIPE: dict[str, Any] = {
    "extractor": "random",
    "version": 1,
    "features": "last convolution, flattened",
    "filters": [32, 64, 64],  # the last is repeated until the side is at most 8
    "last_filters": 16,
    "input": "uint8 scaled to [-1, 1], no resize",
    "seed": 0,
}


@functools.lru_cache(maxsize=4)
def load_random_network(shape: tuple[int, int, int]) -> Extractor:
    """The random network for images of shape (H, W, C)."""
    model = build_random_network(shape)
    compile_for_batches(model)
    return Extractor(RECIPE, model, hash_of_arrays(model.get_weights()))


def build_random_network(shape: tuple[int, int, int]) -> "keras.Model":
    """Convolutions of 3x3 that halve the side down to at most 4, each followed by a leaky ReLU.

    Args:
        shape: (H, W, C) of images in [-1, 1], any size.

    Returns:
        A model with the output features (N, d), d at most 4 * 4 * 16 = 256.
    """
    import keras
    from keras import layers

    widths = itertools.chain(RECIPE["filters"], itertools.repeat(RECIPE["filters"][-1]))
    images = keras.Input(shape, dtype="float32")
    outputs = images
    while (side := max(outputs.shape[1:3])) > 4:
        width = RECIPE["last_filters"] if side <= 8 else next(widths)
        outputs = layers.Conv2D(width, 3, strides=2, padding="same", dtype="float32")(outputs)
        outputs = layers.LeakyReLU(0.2, dtype="float32")(outputs)
    features = layers.Flatten(dtype="float32")(outputs)
    model = keras.Model(images, {"features": features}, name="random_network")
    model.set_weights(draw_weights([weight.shape for weight in model.weights]))
    return model


def draw_weights(shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Kernels (3, 3, in, out) of variance 2 / fan-in (He et al. 2015) and biases of variance 1 / 100.

    Uniform numbers are 53 random bits, exactly scaled, so the weights have the same bits on every machine. Normal numbers
    depend on the machine's logarithm.
    """
    generator = np.random.Generator(np.random.Philox(RECIPE["seed"]))
    weights = []
    for shape in shapes:
        variance = 2 / np.prod(shape[:-1]) if len(shape) > 1 else 0.01
        weights.append(((2 * generator.random(shape) - 1) * np.sqrt(3 * variance)).astype(np.float32))
    return weights
