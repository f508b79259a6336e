"""Normalization over a batch, with labels, and over a fixed reference batch."""

import math
from typing import Any

import keras
from keras import ops

from ganlab.models.layers.tensors import SameShape, Shape, Tensor


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer with a variance that can be differentiated twice on every backend.

    On TensorFlow, Keras calls tf.nn.moments, which holds the mean inside the variance constant. The first derivative is right, but
    the gradient of a gradient penalty through the layer is wrong.
    """

    def _moments(self, inputs: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        if mask is not None or self.synchronized:
            return super()._moments(inputs, mask)
        mean = ops.mean(inputs, self._reduction_axes, keepdims=True)
        variance = ops.mean(ops.square(inputs - mean), self._reduction_axes)
        return ops.squeeze(mean, self._reduction_axes), variance


class ConditionalBatchNormalization(BatchNormalization):
    """Batch normalization with one trained scale gamma and shift beta for each class; the shape (batch, ..., channels) stays.

    Mean and variance come from the whole batch, over all classes. A label that mixes classes gets the mixture of their gammas
    and betas.

    Source: Dumoulin et al. 2017, arXiv 1610.07629, equation 5; in generators: Miyato and Koyama 2018, arXiv 1802.05637, section 4.

    Args:
        momentum, epsilon: see Keras' BatchNormalization.
        gamma_initializer, beta_initializer: initializers of the tables (classes, channels).
    """

    takes = ("labels",)

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        gamma_initializer: str | keras.initializers.Initializer = "ones",
        beta_initializer: str | keras.initializers.Initializer = "zeros",
        **kwargs: Any,
    ):
        super().__init__(momentum=momentum, epsilon=epsilon, center=False, scale=False, **kwargs)
        self.initializers = {"gamma": gamma_initializer, "beta": beta_initializer}

    def build(self, inputs_shape: Shape, labels_shape: Shape) -> None:
        super().build(inputs_shape)
        shape = (labels_shape[-1], inputs_shape[-1])
        self.class_gamma, self.class_beta = (
            self.add_weight(shape=shape, initializer=initializer, name=name)
            for name, initializer in self.initializers.items()
        )

    def call(self, inputs: Tensor, labels: Tensor, training: bool | None = None) -> Tensor:
        shape = (-1, *[1] * (len(inputs.shape) - 2), inputs.shape[-1])
        gamma, beta = (ops.reshape(ops.matmul(labels, table), shape) for table in (self.class_gamma, self.class_beta))
        return super().call(inputs, training=training) * gamma + beta


class VirtualBatchNormalization(SameShape):
    """Normalizes each sample with the statistics of the sample and a fixed reference batch; (batch, ..., channels) stays.

    The reference batch runs through the network with the present weights. For each channel, the mean and the mean square
    of n reference samples and of the sample itself have the weights n : 1. A sample's output does not depend on the rest
    of its batch, and training and inference are the same.

    Source: Salimans et al. 2016, arXiv 1606.03498, section 3.4.

    Args:
        reference_size: n, the number of samples of the reference batch; equal for all layers of a network.
        epsilon: added to the variance.
        gamma_initializer, beta_initializer: initializers of the scale and the shift, one number for each channel.
    """

    takes = ("reference",)

    def __init__(
        self,
        reference_size: int = 64,
        epsilon: float = 1e-3,
        gamma_initializer: str | keras.initializers.Initializer = "ones",
        beta_initializer: str | keras.initializers.Initializer = "zeros",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if type(reference_size) is not int or reference_size < 1:
            raise ValueError(f"`reference_size` is an integer >= 1, received {reference_size!r}")
        self.reference_size, self.epsilon = reference_size, epsilon
        self.initializers = {"gamma": gamma_initializer, "beta": beta_initializer}

    def build(self, input_shape: Shape) -> None:
        self.gamma, self.beta = (
            self.add_weight(shape=(input_shape[-1],), initializer=initializer, name=name)
            for name, initializer in self.initializers.items()
        )

    def call(self, inputs: Tensor, reference: Tensor | None = None) -> Tensor:
        """Without `reference` the inputs are the reference batch itself, and get its own statistics."""
        samples = _positions(inputs)
        if reference is None:
            mean, variance = _moments(samples, (0, 1))
        else:
            n = self.reference_size
            (all_mean, all_variance), (own_mean, own_variance) = (
                _moments(_positions(reference), (0, 1)),
                _moments(samples, 1),
            )
            mean = (n * all_mean + own_mean) / (n + 1)
            # The mean square minus the squared mean, as squares around the mean: rounding cannot make it negative.
            spread = n * (all_variance + ops.square(all_mean - mean)) + own_variance + ops.square(own_mean - mean)
            variance = spread / (n + 1)
        normalized = ops.reshape((samples - mean) * ops.rsqrt(variance + self.epsilon), ops.shape(inputs))
        return ops.cast(normalized, inputs.dtype) * self.gamma + self.beta


class PixelNormalization(SameShape):
    """Divides the channels of each position by the root of their mean square; the shape (batch, ..., channels) stays.

    Nothing is trained, and samples do not depend on each other.

    Source: Karras et al. 2018, arXiv 1710.10196, section 4.2.

    Args:
        epsilon: added to the mean square.
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs: Any):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs: Tensor) -> Tensor:
        values = ops.cast(inputs, "float32")
        squares = ops.mean(ops.square(values), axis=-1, keepdims=True)
        return ops.cast(values * ops.rsqrt(squares + self.epsilon), inputs.dtype)


def _positions(inputs: Tensor) -> Tensor:
    """(batch, ..., channels) as (batch, positions, channels), float32: bfloat16 would round the statistics."""
    return ops.cast(ops.reshape(inputs, (-1, math.prod(inputs.shape[1:-1]), inputs.shape[-1])), "float32")


def _moments(samples: Tensor, axes: int | tuple[int, ...]) -> tuple[Tensor, Tensor]:
    mean = ops.mean(samples, axes, keepdims=True)
    return mean, ops.mean(ops.square(samples - mean), axes, keepdims=True)


class ReferenceBatch(keras.layers.Layer):
    """Outputs the reference batch of one input of a network, (count, *shape), and ignores its input.

    The compiler adds this layer before layers that take `reference`. The batch is an untrained weight, so checkpoints keep it. It
    is zero until `Session` assigns it.

    Args:
        count: number of samples.
        of: the input of the network, `input` or `labels`.
    """

    def __init__(self, count: int, of: str, **kwargs: Any):
        super().__init__(name="reference_batch" if of == "input" else f"reference_{of}", **kwargs)
        self.count, self.of = count, of

    def build(self, input_shape: Shape) -> None:
        shape = (self.count, *input_shape[1:])
        self.batch = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="batch")

    def call(self, inputs: Tensor) -> Tensor:
        return ops.convert_to_tensor(self.batch)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (self.count, *input_shape[1:])
