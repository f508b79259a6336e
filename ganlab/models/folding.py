"""Folds UpSampling2D and the Conv2D after it into one transposed convolution: the same function in fewer operations.

Up-sampling repeats every pixel in a 2 x 2 box, so the convolution multiplies equal numbers by different weights. The folded
layer adds these weights first: with kernel size k, a pixel meets (k + 1)^2 sums instead of 4 k^2 weights. A convolution with
k = 1 moves before the up-sampling instead, where there are fewer pixels. The folded network shares layers and variables with
the written network; summaries and weight files describe the written network.
"""

import dataclasses
from collections import Counter
from typing import Any

import keras
from keras import ops

from ganlab.models.network import Network
from ganlab.training.stages import Objective

Tensor = Any


class UpSampledConvolution(keras.layers.Layer):
    """UpSampling2D (size 2, nearest) followed by `convolution`, with the convolution's own kernel, bias and activation.

    Up-sampling puts pixel i at 2i and 2i + 1. With p = (k - 1) // 2 zeros before, the convolution gives along one axis
    y[o] = sum over i of x[i] (w[p + 2i - o] + w[p + 2i + 1 - o]). This is a transposed convolution of stride 2 with the kernel
    T[j] = w[k - 1 - j] + w[k - j] for j = 0 ... k; its output number k - 1 - p is y[0].
    """

    def __init__(self, convolution: keras.layers.Conv2D):
        super().__init__(name=f"up_sampled_{convolution.name}", dtype=convolution.dtype_policy)
        self.convolution = convolution
        self.built = True  # the convolution is built, and this layer has no variables of its own

    def call(self, images: Tensor) -> Tensor:
        kernel = folded_kernel(self.convolution.kernel)
        sizes = self.convolution.kernel_size
        if all(size % 2 for size in sizes):  # "same" cuts off equal parts at both ends
            outputs = ops.conv_transpose(images, kernel, strides=2, padding="same")
        else:
            outputs = ops.conv_transpose(images, kernel, strides=2, padding="valid")
            (top, left), (height, width) = (size // 2 for size in sizes), images.shape[1:3]
            outputs = outputs[:, top : top + 2 * height, left : left + 2 * width]
        if self.convolution.use_bias:
            outputs = outputs + self.convolution.bias
        return self.convolution.activation(outputs)


def folded_kernel(kernel: Tensor) -> Tensor:
    """A kernel (k, l, inputs, outputs), flipped and summed over a 2 x 2 box: (k + 1, l + 1, outputs, inputs)."""
    turned = ops.transpose(ops.flip(kernel, (0, 1)), (0, 1, 3, 2))
    rows = ops.pad(turned, ((0, 1), (0, 0), (0, 0), (0, 0))) + ops.pad(turned, ((1, 0), (0, 0), (0, 0), (0, 0)))
    return ops.pad(rows, ((0, 0), (0, 1), (0, 0), (0, 0))) + ops.pad(rows, ((0, 0), (1, 0), (0, 0), (0, 0)))


def fold(network: Network) -> Network:
    """The network with every foldable pair folded, on the same layers and variables; the same network without such a pair.

    A pair folds only if no other layer reads the up-sampled value.
    """
    readers = Counter(name for node in network.nodes for name in (*node.takes, *node.more.values()))
    made, shapes = {node.name: node for node in network.nodes}, network.shapes
    folded = dict(made)
    for node in network.nodes:
        before = made.get(node.takes[0])
        if before is None or readers[before.name] > 1 or before.name in network.features:
            continue
        if _swap(before.layer, node.layer):
            shape = (*shapes[before.takes[0]][:-1], node.shape[-1])
            folded[before.name] = dataclasses.replace(before, layer=node.layer, shape=shape)
            folded[node.name] = dataclasses.replace(node, layer=before.layer)
        elif _sum_up(before.layer, node.layer):
            del folded[before.name]
            convolution = UpSampledConvolution(node.layer)
            folded[node.name] = dataclasses.replace(node, layer=convolution, takes=before.takes)
    if folded == made:
        return network
    return dataclasses.replace(network, nodes=tuple(folded.values()))


def fold_objective(objective: Objective) -> Objective:
    """The objective over folded networks; the same objective if no network folds."""
    networks = {name: fold(network) for name, network in objective.networks.items()}
    if all(network is objective.networks[name] for name, network in networks.items()):
        return objective
    return objective.rebuild(networks)


def _swap(up_sampling: keras.layers.Layer, convolution: keras.layers.Layer) -> bool:
    """Whether the convolution may come first: its kernel is one pixel, and there are a quarter of the pixels."""
    if not _plain(up_sampling, convolution) or tuple(convolution.kernel_size) != (1, 1):
        return False
    # Bilinear up-sampling takes means of pixels. The activation of a mean is not the mean of activations.
    return up_sampling.interpolation == "nearest" or convolution.activation is keras.activations.linear


def _sum_up(up_sampling: keras.layers.Layer, convolution: keras.layers.Layer) -> bool:
    """Whether the pair is one transposed convolution."""
    return (
        _plain(up_sampling, convolution)
        and tuple(up_sampling.size) == (2, 2)
        and up_sampling.interpolation == "nearest"
        and convolution.padding == "same"
    )


def _plain(up_sampling: keras.layers.Layer, convolution: keras.layers.Layer) -> bool:
    # Sums of weights in bfloat16 would be rounded differently than in the written network, so only float32 is folded.
    # A regularizer of activations needs the outputs of the layer's own call.
    return (
        type(up_sampling) is keras.layers.UpSampling2D
        and up_sampling.data_format == "channels_last"
        and up_sampling.activity_regularizer is None
        and type(convolution) is keras.layers.Conv2D
        and convolution.data_format == "channels_last"
        and (tuple(convolution.strides), tuple(convolution.dilation_rate)) == ((1, 1), (1, 1))
        and convolution.groups == 1
        and convolution.activity_regularizer is None
        and convolution.compute_dtype == "float32"
    )
