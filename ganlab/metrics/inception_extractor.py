"""Extractors of Inception features: the network of 2015-12-05, and the network of keras.applications in two pipelines."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlab.errors import MissingDataError
from ganlab.metrics.extraction import Extractor, to_pixels
from ganlab.metrics.inception import SIDE, build_inception
from ganlab.metrics.inception_weights import converted_weights
from ganlab.metrics.resizing import behind_resizing
from ganlab.storage.cache import cache_folder, one_at_a_time
from ganlab.storage.weights import hash_of_arrays, read_weights

if TYPE_CHECKING:
    import keras

Shape = tuple[int, int, int]
BATCH = 32  # images of 299x299 at a time
RECIPE: dict[str, Any] = {
    "extractor": "inception",
    "version": 1,
    "network": "Inception of 2015-12-05 (classify_image_graph_def.pb)",
    "features": "pool_3, 2048",
    "probabilities": "softmax of pool_3 times softmax/weights, 1008 classes, without softmax/biases",
    "input": "uint8, TF1 bilinear to 299x299 without half-pixel centres, (x - 128) / 128, grey repeated to RGB",
}
KERAS_RECIPE: dict[str, Any] = {
    "extractor": "keras",
    "version": 1,
    "network": "keras.applications.InceptionV3, imagenet",
    "features": "average pooling, 2048",
    "input": "uint8, bilinear to 299x299 with half-pixel centres, x / 127.5 - 1, grey repeated to RGB",
}
AKEL_RECIPE: dict[str, Any] = KERAS_RECIPE | {
    "extractor": "akel2022",
    "input": "uint8, nearest to 299x299, x / 127.5 - 1, grey repeated to RGB; celeba: x / 127.5 - 1 twice",
}


@functools.lru_cache(maxsize=2)
def load_inception(shape: Shape) -> Extractor:
    """The network of 2015-12-05 for images of shape (H, W, 1 or 3).

    Raises:
        MissingDataError: if its weights are neither here nor to be downloaded, or the converted ones are damaged.
    """
    path = converted_weights()
    network = build_inception()
    weight_hash = read_weights(path, network, f"Delete {path}, it is made again", MissingDataError)
    model = behind_resizing(network, shape, "tf1_bilinear", lambda pixels: (pixels - 128.0) / 128.0)
    return Extractor(RECIPE, model, weight_hash, to_pixels, BATCH)


@functools.lru_cache(maxsize=2)
def load_keras_inception(shape: Shape) -> Extractor:
    """Inception v3 of keras.applications with bilinear resizing, for images of shape (H, W, 1 or 3).

    Raises:
        MissingDataError: if its weights are neither in Keras' cache nor to be downloaded.
    """
    return _keras_extractor(KERAS_RECIPE, shape, "bilinear", preprocess)


@functools.lru_cache(maxsize=2)
def load_akel_inception(shape: Shape, name: str) -> Extractor:
    """The pipeline that fits the numbers of akel2022: nearest neighbours, and for celeba scaling twice.

    The thesis' values for CelebA, 0.07 to 18.6, are far below the distance of two real samples of 5,000. Images in [-1, 1]
    give such values if `preprocess_input`, which expects 0 to 255, scales them again: all then lie within 0.008 of -1.
    """
    return _keras_extractor(AKEL_RECIPE, shape, "nearest", preprocess_twice if name == "celeba" else preprocess)


def preprocess(pixels: Any) -> Any:
    """`keras.applications.inception_v3.preprocess_input`: 0 to 255 becomes -1 to 1."""
    return pixels / 127.5 - 1.0


def preprocess_twice(pixels: Any) -> Any:
    """The same applied to its own result: 0 to 255 becomes -1.0078 to -0.9922."""
    return preprocess(preprocess(pixels))


def _keras_extractor(recipe: dict[str, Any], shape: Shape, method: str, scale: Callable[[Any], Any]) -> Extractor:
    # Keras downloads into a file that another process may be reading, and prints its progress on standard output.
    with one_at_a_time(cache_folder() / "inception" / "keras"), contextlib.redirect_stdout(sys.stderr):
        network = build_keras_inception("imagenet")
    model = behind_resizing(network, shape, method, scale)
    return Extractor(recipe, model, hash_of_arrays(network.get_weights()), to_pixels, BATCH)


def build_keras_inception(weights: str | None) -> "keras.Model":
    """keras.applications.InceptionV3 with the output features (N, 2048), in float32.

    Args:
        weights: "imagenet", which Keras downloads once, or None for random ones.

    Raises:
        MissingDataError: if the download fails.
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")  # for any precision of the networks under test
    try:
        inception = keras.applications.InceptionV3(
            include_top=False, weights=weights, input_shape=(SIDE, SIDE, 3), pooling="avg"
        )
    except Exception as error:  # Keras raises bare Exception for a failed transfer
        reason = " ".join(str(error).split()).rstrip(".")
        file = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
        folder = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models"
        raise MissingDataError(
            f"keras.applications.InceptionV3: its weights are not on this machine and could not be downloaded "
            f"({reason}). Put {file} into {folder}, or name other metrics."
        ) from error
    finally:
        keras.config.set_dtype_policy(policy)
    return keras.Model(inception.input, {"features": inception.output})
