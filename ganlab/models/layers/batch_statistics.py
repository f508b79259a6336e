"""Layers that show each sample how it differs from the rest of its batch."""

from typing import Any

import keras
from keras import ops

from ganlab.models.layers.tensors import Shape, Tensor


class MinibatchDiscrimination(keras.layers.Layer):
    """Appends to each sample how near the other samples of the batch are: (batch, n) to (batch, n + kernels).

    Each kernel projects a sample i to `dimensions` numbers M_i. The appended number is the sum of exp(-|M_i - M_j|_1) over all
    samples j of the batch, i included. A discriminator then sees a batch of equal images.

    Source: Salimans et al. 2016, arXiv 1606.03498, section 3.2.

    Args:
        kernels: number of appended numbers.
        dimensions: of each projection.
        kernel_initializer: of the projections, (n, kernels * dimensions).
    """

    def __init__(
        self,
        kernels: int = 100,
        dimensions: int = 5,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name, value in (("kernels", kernels), ("dimensions", dimensions)):
            if type(value) is not int or value < 1:
                raise ValueError(f"`{name}` is an integer >= 1, received {value!r}")
        self.kernels, self.dimensions = kernels, dimensions
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 2:
            raise ValueError(
                f"expected vectors; the input has {len(input_shape) - 1} axes. A Flatten before it makes vectors"
            )
        shape = (input_shape[-1], self.kernels * self.dimensions)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")

    def call(self, inputs: Tensor) -> Tensor:
        projected = ops.reshape(ops.matmul(inputs, self.kernel), (-1, self.kernels, self.dimensions))
        projected = ops.cast(projected, "float32")  # bfloat16 would round a sum over the batch
        distances = ops.sum(ops.abs(projected[:, None] - projected[None]), axis=-1)  # (batch, batch, kernels)
        nearness = ops.sum(ops.exp(-distances), axis=1)
        return ops.concatenate([inputs, ops.cast(nearness, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[-1] + self.kernels)


class MinibatchStdDev(keras.layers.Layer):
    """Appends how much the samples of the batch differ: (batch, ..., channels) to (batch, ..., channels + 1).

    The number is the standard deviation over the batch, averaged over all positions and channels. Every sample and position gets
    the same number.

    Source: Karras et al. 2018, arXiv 1710.10196, section 3.
    """

    def call(self, inputs: Tensor) -> Tensor:
        samples = ops.cast(inputs, "float32")  # bfloat16 would round a sum over the batch
        variances = ops.mean(ops.square(samples - ops.mean(samples, axis=0)), axis=0)
        # The derivative of the root at 0 is infinite; the tiny term keeps it finite for equal samples.
        spread = ops.cast(ops.mean(ops.sqrt(variances + 1e-8)), inputs.dtype)
        return ops.concatenate([inputs, ops.broadcast_to(spread, (*ops.shape(inputs)[:-1], 1))], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], input_shape[-1] + 1)
