"""Keras' commonest layers as PyTorch's own operations: Keras' versions of them take up to ten times as many.

The numbers differ from Keras' by rounding alone. Only training steps use these functions.
"""

from typing import Any

import keras
import torch
from keras.src.backend.common.stateless_scope import get_stateless_scope
from keras.src.backend.torch import random as keras_random
from torch.nn import functional

from ganlab.models.layers.normalization import BatchNormalization


def dense(layer: keras.layers.Dense, inputs: torch.Tensor, training: bool) -> torch.Tensor:
    """Dense: the product and the bias in one operation."""
    if layer.bias is not None and inputs.ndim == 2:
        return layer.activation(torch.addmm(layer.bias.value, inputs, layer.kernel.value))
    outputs = torch.matmul(inputs, layer.kernel.value)
    return layer.activation(outputs if layer.bias is None else outputs + layer.bias.value)


def convolution(layer: keras.layers.Conv2D, inputs: torch.Tensor, training: bool) -> torch.Tensor:
    """Conv2D on (batch, height, width, channels), padded as in TensorFlow: an odd row more at the end."""
    if layer.data_format != "channels_last":
        return layer.call(inputs)
    images = inputs.permute(0, 3, 1, 2)
    kernel = layer.kernel.value.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    padding = (0, 0)
    if layer.padding == "same":
        sizes = zip(images.shape[2:], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
        totals = [
            max((-(-size // stride) - 1) * stride + (k - 1) * gap + 1 - size, 0) for size, k, stride, gap in sizes
        ]
        if any(total % 2 for total in totals):
            (top, left), (height, width) = (total // 2 for total in totals), totals
            images = functional.pad(images, (left, width - left, top, height - top))
        else:
            padding = tuple(total // 2 for total in totals)
    bias = None if layer.bias is None else layer.bias.value
    outputs = functional.conv2d(images, kernel, bias, layer.strides, padding, layer.dilation_rate, layer.groups)
    return layer.activation(outputs.permute(0, 2, 3, 1))


def batch_normalization(layer: BatchNormalization, inputs: torch.Tensor, training: bool) -> torch.Tensor:
    """BatchNormalization over the last axis. The moving variance takes the batch's biased variance, as in Keras."""
    if layer.renorm or layer.synchronized or layer.axis not in (-1, inputs.ndim - 1):
        return layer.call(inputs, training=training)
    scale, offset = (None if weight is None else weight.value for weight in (layer.gamma, layer.beta))
    mean, variance = layer.moving_mean.value, layer.moving_variance.value
    channels_first = inputs.movedim(-1, 1)
    if not (training and layer.trainable):
        outputs = functional.batch_norm(channels_first, mean, variance, scale, offset, False, 0.0, layer.epsilon)
        return outputs.movedim(1, -1)
    outputs, batch_mean, inverse_deviation = torch.native_batch_norm(
        channels_first, scale, offset, None, None, True, 0.0, layer.epsilon
    )
    statistics = getattr(get_stateless_scope(), "moving_statistics", None)
    if statistics is not None:
        statistics.add(layer, batch_mean, inverse_deviation)
    else:
        MovingStatistics(layer, batch_mean, inverse_deviation).carry_out()
    return outputs.movedim(1, -1)


def dropout(layer: keras.layers.Dropout, inputs: torch.Tensor, training: bool) -> torch.Tensor:
    """Dropout with Keras' random numbers."""
    if not training or layer.rate == 0:
        return inputs
    if layer.rate == 1 or layer.noise_shape is not None or layer.seed is None:
        return layer.call(inputs, training=training)
    kept = 1.0 - layer.rate
    generator = keras_random.torch_seed_generator(layer.seed_generator)
    mask = torch.bernoulli(torch.full_like(inputs, kept), generator=generator)
    return inputs * mask / kept


class MovingStatistics:
    """Batch statistics of a pass. They move the layers' moving statistics at its end, all in a few operations."""

    def __init__(self, *entry: Any):
        """Without statistics, or with those of one layer; see `add`."""
        self._rounds: list[dict[int, tuple]] = []  # a layer that ran twice moves twice
        if entry:
            self.add(*entry)

    def add(self, layer: BatchNormalization, mean: torch.Tensor, inverse_deviation: torch.Tensor) -> None:
        free = next((entries for entries in self._rounds if id(layer) not in entries), None)
        if free is None:
            free = {}
            self._rounds.append(free)
        free[id(layer)] = layer, mean, inverse_deviation

    @torch.no_grad()
    def carry_out(self) -> None:
        for entries in self._rounds:
            layers, means, deviations = zip(*entries.values(), strict=True)
            squares = torch._foreach_pow(deviations, -2.0)
            variances = torch._foreach_sub(squares, [layer.epsilon for layer in layers])
            kept = [layer.moving_mean.value for layer in layers] + [layer.moving_variance.value for layer in layers]
            torch._foreach_lerp_(kept, [*means, *variances], [1.0 - layer.momentum for layer in layers] * 2)


COMPUTATIONS = {
    keras.layers.Dense: dense,
    keras.layers.Conv2D: convolution,
    keras.layers.Dropout: dropout,
    BatchNormalization: batch_normalization,
}
