"""Keras' commonest layers as PyTorch's own operations: Keras' versions of them take up to ten times as many.

The numbers differ from Keras' by rounding alone. Only training steps use these functions.
"""

import keras
import torch
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
    with torch.no_grad():
        batch_variance = inverse_deviation.pow(-2) - layer.epsilon
        new = torch._foreach_lerp([mean, variance], [batch_mean, batch_variance], 1.0 - layer.momentum)
    layer.moving_mean.assign(new[0])
    layer.moving_variance.assign(new[1])
    return outputs.movedim(1, -1)


COMPUTATIONS = {keras.layers.Dense: dense, keras.layers.Conv2D: convolution, BatchNormalization: batch_normalization}
