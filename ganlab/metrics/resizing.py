"""Brings images to the input of a network made for photographs: resizing, grey to RGB, scaling.

FID changes by several points with the way of resizing to Inception's 299 x 299 pixels (Parmar et al. 2022, arXiv
2104.11222), so each way has its own name here. Resizing is without antialiasing and by tables of positions: the numbers are
the same on every Keras backend.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.metrics.extraction import compile_for_batches

if TYPE_CHECKING:
    import keras

METHODS = ("tf1_bilinear", "bilinear", "nearest")


def resize(images: Any, side: int, method: str) -> Any:
    """Brings images to side x side pixels.

    tf1_bilinear: output pixel i lies at input position i * in / out, as in TensorFlow 1 and in the graph of 2015
    (`resize_bilinear(align_corners=False, half_pixel_centers=False)`). bilinear: output pixel i lies at
    (i + 1/2) * in / out - 1/2, so the centres of the corner pixels agree. nearest: the input pixel around that centre.

    Args:
        images: float tensor of shape (N, H, W, C), of any backend.
        side: height and width of the result, in pixels.
        method: one of METHODS.

    Returns:
        A tensor of shape (N, side, side, C).
    """
    from keras import ops

    for axis in (2, 1):  # along rows first, as in TensorFlow's kernel, for the same rounding
        size = images.shape[axis]
        low, high, share = positions(size, side, method)
        if method == "nearest":
            images = ops.take(images, low, axis=axis)
            continue
        start = ops.take(images, low, axis=axis)
        shape = [-1 if each == axis else 1 for each in range(4)]
        images = start + (ops.take(images, high, axis=axis) - start) * share.reshape(shape)
    return images


def positions(size: int, side: int, method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of `side` output pixels: the two input pixels beside it, and its distance from the first.

    Returns:
        lower indices, upper indices (int32) and shares of the upper one (float32, in [0, 1)), shape (side,) each.
    """
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, received {method!r}")
    scale = np.float32(size) / np.float32(side)  # in float32, as in TensorFlow
    pixels = np.arange(side, dtype=np.float32)
    place = pixels * scale if method == "tf1_bilinear" else (pixels + np.float32(0.5)) * scale
    if method == "bilinear":
        place = np.maximum(place - np.float32(0.5), 0)
    low = np.floor(place).astype(np.int32)
    return low, np.minimum(low + 1, size - 1), place - low


def behind_resizing(
    network: "keras.Model", shape: tuple[int, int, int], method: str, scale: Callable[[Any], Any]
) -> "keras.Model":
    """Puts resizing and scaling in front of a network of square RGB images.

    Args:
        network: takes (N, side, side, 3) and returns a mapping of outputs.
        shape: (H, W, 1 or 3) of the images; grey is repeated to RGB.
        method: of `resize`.
        scale: pure function of resized pixels, 0 to 255, to the network's range.

    Returns:
        A compiled model of float32 pixels, 0 to 255, of shape (N, *shape), with the network's outputs.
    """
    import keras

    side = network.input_shape[1]

    def to_input(pixels: Any) -> Any:
        scaled = scale(resize(pixels, side, method))
        return keras.ops.repeat(scaled, 3, axis=-1) if shape[-1] == 1 else scaled

    pixels = keras.Input(shape, dtype="float32")
    inputs = keras.layers.Lambda(to_input, output_shape=(side, side, 3), dtype="float32")(pixels)
    model = keras.Model(pixels, network(inputs))
    compile_for_batches(model)
    return model
