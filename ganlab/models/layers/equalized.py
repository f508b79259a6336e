"""Equalized learning rate: all layers of a network learn at one pace."""

import math

import keras

from ganlab.models.layers.tensors import Shape, Tensor


class EqualizedLearningRate(keras.layers.Wrapper):
    """Trains the kernel of `layer` divided by c = sqrt(2 / fan_in), and multiplies it by c in each call.

    Adam moves every number of a kernel by about the learning rate, whatever the kernel's scale. With this wrapper, a step is the
    same share of the kernel in all layers. First outputs are those of `layer` alone: `HeNormal` gives the trained kernel a
    deviation of 1, as in the source.

    Source: Karras et al. 2018, arXiv 1710.10196, section 4.1.

    Args:
        layer: a Dense or a convolution.

    Raises:
        ValueError: for a layer without a kernel and a number of units or filters.
    """

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        outputs = getattr(self.layer, "units", None) or getattr(self.layer, "filters", None)
        if outputs is None or not hasattr(self.layer, "kernel"):
            raise ValueError(f"`layer` is a Dense or a convolution, received {type(self.layer).__name__}")
        self.factor = math.sqrt(2.0 * outputs / math.prod(self.layer.kernel.shape))
        self.layer.kernel.assign(self.layer.kernel / self.factor)

    def call(self, inputs: Tensor) -> Tensor:
        # The layer is linear in the product of inputs and kernel, so the factor may multiply the inputs.
        return self.layer(inputs * self.factor)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.layer.compute_output_shape(input_shape)
