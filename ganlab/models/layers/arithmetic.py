"""Layers of one line of arithmetic."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ganlab.models.layers.tensors import SameShape, Shape, Tensor


class GlobalSumPooling2D(keras.layers.Layer):
    """The sum over height and width: (batch, height, width, channels) to (batch, channels).

    Source: Miyato et al. 2018, arXiv 1802.05957, table 4: the last pooling of the residual discriminators.
    """

    def call(self, images: Tensor) -> Tensor:
        return ops.sum(images, axis=(1, 2))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[-1])


class Scale(SameShape):
    """Multiplies by one trained number; the shape stays.

    Source: Zhang et al. 2019, arXiv 1805.08318, equation 3: the weight of self-attention, which starts at 0.

    Args:
        initial: the number before training.
    """

    def __init__(self, initial: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape: Shape) -> None:
        self.factor = self.add_weight(shape=(), initializer=keras.initializers.Constant(self.initial), name="factor")

    def call(self, inputs: Tensor) -> Tensor:
        return inputs * self.factor


class Fade(keras.layers.Layer):
    """Merges the branches `old` and `new` of one shape into (1 - f) old + f new, with the fade f of each sample.

    Source: Karras et al. 2018, arXiv 1710.10196, figure 2: new layers fade in while networks grow.
    """

    takes = ("fade",)

    def call(self, inputs: Sequence[Tensor], fade: Tensor) -> Tensor:
        old, new = inputs
        fade = ops.reshape(fade, (-1, *[1] * (len(old.shape) - 1)))
        return (1 - fade) * old + fade * new

    def compute_output_shape(self, inputs_shape: Sequence[Shape]) -> Shape:
        return inputs_shape[0]
