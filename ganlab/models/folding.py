"""Folds UpSampling2D and the Conv2D after it into one transposed convolution: the same function in fewer operations.

Up-sampling repeats every pixel in a 2 x 2 box, so a convolution of it multiplies equal numbers by different weights. Those
weights can be added first: with kernel size k, each pixel then meets (k + 1)^2 sums instead of 4 k^2 weights.
The folded network has the layers and variables of the plain one, which stays what summaries and weight files speak of.
"""

import dataclasses
from typing import Any

import keras
from keras import ops

from ganlab.training.stages import Objective

Tensor = Any


class UpSampledConvolution(keras.layers.Layer):
    """What UpSampling2D (size 2, nearest) and then `convolution` give, by the convolution's own kernel, bias and activation.

    Up-sampled, pixel i stands at 2i and 2i + 1. With p = (k - 1) // 2 zeros before, the convolution gives along one axis
    y[o] = sum over i of x[i] (w[p + 2i - o] + w[p + 2i + 1 - o]): a transposed convolution of stride 2 whose kernel is
    T[j] = w[k - 1 - j] + w[k - j] for j = 0 ... k, read from its output number k - 1 - p on.
    """

    def __init__(self, convolution: keras.layers.Conv2D):
        super().__init__(name=f"up_sampled_{convolution.name}", dtype=convolution.dtype_policy)
        self.convolution = convolution

    def call(self, images):
        kernel = folded_kernel(self.convolution.kernel)
        sizes = self.convolution.kernel_size
        if all(size % 2 for size in sizes):  # "same" leaves out as many at either end, as is right here
            outputs = ops.conv_transpose(images, kernel, strides=2, padding="same")
        else:
            outputs = ops.conv_transpose(images, kernel, strides=2, padding="valid")
            (top, left), (height, width) = (size // 2 for size in sizes), images.shape[1:3]
            outputs = outputs[:, top : top + 2 * height, left : left + 2 * width]
        if self.convolution.use_bias:
            outputs = outputs + self.convolution.bias
        return self.convolution.activation(outputs)


def folded_kernel(kernel: Tensor) -> Tensor:
    """A kernel (k, l, inputs, outputs), turned round and summed over a 2 x 2 box: (k + 1, l + 1, outputs, inputs)."""
    turned = ops.transpose(ops.flip(kernel, (0, 1)), (0, 1, 3, 2))
    rows = ops.pad(turned, ((0, 1), (0, 0), (0, 0), (0, 0))) + ops.pad(turned, ((1, 0), (0, 0), (0, 0), (0, 0)))
    return ops.pad(rows, ((0, 0), (0, 1), (0, 0), (0, 0))) + ops.pad(rows, ((0, 0), (1, 0), (0, 0), (0, 0)))


def fold(network: keras.Model) -> keras.Model:
    """The network with every foldable pair folded, on the same layers and variables; itself if it has no such pair."""
    layers, folded, index = network.layers[1:], [], 0
    while index < len(layers):
        if index + 1 < len(layers) and _foldable(layers[index], layers[index + 1]):
            folded.append(UpSampledConvolution(layers[index + 1]))
            index += 2
        else:
            folded.append(layers[index])
            index += 1
    if len(folded) == len(layers):
        return network
    return rechain(network, folded)


def rechain(network: keras.Model, layers: list[keras.layers.Layer]) -> keras.Model:
    """A network of the same input that runs `layers`, one after the other."""
    outputs = inputs = keras.Input(network.input_shape[1:], name=network.layers[0].name)
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs, name=network.name)


def fold_objective(objective: Objective) -> Objective:
    """The objective whose passes run folded networks; itself if nothing folds."""
    networks = {name: fold(network) for name, network in objective.networks.items()}
    folded = {name: network for name, network in networks.items() if network is not objective.networks[name]}
    return dataclasses.replace(objective, forms=folded) if folded else objective


def _foldable(up_sampling: keras.layers.Layer, convolution: keras.layers.Layer) -> bool:
    # Sums of weights in bfloat16 would be rounded otherwise than in the plain network, so only float32 is folded.
    # A regularizer of activations speaks of the layer's own call.
    return (
        type(up_sampling) is keras.layers.UpSampling2D
        and tuple(up_sampling.size) == (2, 2)
        and up_sampling.interpolation == "nearest"
        and up_sampling.data_format == "channels_last"
        and type(convolution) is keras.layers.Conv2D
        and convolution.data_format == "channels_last"
        and convolution.padding == "same"
        and (tuple(convolution.strides), tuple(convolution.dilation_rate)) == ((1, 1), (1, 1))
        and convolution.groups == 1
        and convolution.activity_regularizer is None
        and convolution.compute_dtype == "float32"
    )
