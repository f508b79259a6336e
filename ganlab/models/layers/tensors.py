"""The types of what layers pass on, and the base of layers that change no shape."""

from typing import Any

import keras

Tensor = Any  # the backend's, or Keras' symbolic one while a network is built
Shape = tuple[int | None, ...]  # None for a size that no one knows yet, such as the batch's


class SameShape(keras.layers.Layer):
    """A layer whose output has the shape of its first input."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
