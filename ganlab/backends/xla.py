"""What XLA needs to compile a step well for a CPU: its flags, and dense layers written so that it copies less.

None of it changes what is computed, but for the rounding of sums in another order.
"""

import dataclasses
import os
from typing import Any

import keras
import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import optimization_barrier

from ganlab.models.folding import rechain
from ganlab.training.stages import Objective

# XLA reads this when it first compiles; what the user sets comes last. Adam's update gives three arrays from four, in one loop.
_XLA_FLAGS = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"
os.environ["XLA_FLAGS"] = f"{_XLA_FLAGS} {os.environ.get('XLA_FLAGS', '')}".strip()
Tensor = Any


def tune_dense(objective: Objective) -> Objective:
    """The objective whose passes run `Dense` layers as `DenseOfKernelFirst`."""
    forms = {name: _kernel_first(objective.called(name)) for name in objective.networks}
    return dataclasses.replace(objective, forms=forms)


class DenseOfKernelFirst(keras.layers.Layer):
    """What a Dense layer of float32 gives, by its own variables; (batch, inputs) -> (batch, units).

    The gradient of its inputs, slopes kernel^T, is computed as (kernel slopes^T)^T. XLA's product of matrices copies its second
    factor into another order first, which so is the small one (benchmarks/gains.py measures what it gains).
    """

    def __init__(self, dense: keras.layers.Dense):
        super().__init__(name=f"kernel_first_{dense.name}", dtype=dense.dtype_policy)
        self.dense = dense

    def call(self, inputs):
        outputs = _product(inputs, tf.identity(self.dense.kernel))
        if self.dense.use_bias:
            outputs = outputs + self.dense.bias
        return self.dense.activation(outputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.dense.units)


def _kernel_first(network: keras.Model) -> keras.Model:
    layers = [DenseOfKernelFirst(layer) if _plain_dense(layer) else layer for layer in network.layers[1:]]
    return rechain(network, layers)


def _plain_dense(layer: keras.layers.Layer) -> bool:
    # A regularizer of activations speaks of the layer's own call.
    return (
        type(layer) is keras.layers.Dense
        and len(layer.kernel.shape) == len(layer.input.shape) == 2
        and layer.activity_regularizer is None
        and layer.compute_dtype == "float32"
    )


@tf.custom_gradient
def _product(inputs: Tensor, kernel: Tensor):
    def gradient(slopes):
        return _input_slopes(slopes, kernel), tf.matmul(inputs, slopes, transpose_a=True)

    return tf.matmul(inputs, kernel), gradient


@tf.custom_gradient
def _input_slopes(slopes: Tensor, kernel: Tensor):
    # Without the barrier XLA sees through the two transpositions and computes slopes kernel^T.
    (turned,) = optimization_barrier(tf.matmul(kernel, slopes, transpose_b=True))

    def gradient(upstream):  # gradient penalties differentiate once more
        return tf.matmul(upstream, kernel), tf.matmul(upstream, slopes, transpose_a=True)

    return tf.transpose(turned), gradient
