"""What makes a step that XLA compiles for a CPU faster: the same update in fewer passes through memory.

Both parts write an expression so that XLA's compiler does what it would not do by itself; neither changes what is computed, but
for the rounding of sums in another order.
"""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from keras import ops
from tensorflow.compiler.tf2xla.python.xla import optimization_barrier

from ganlab.models.flops import step_flops
from ganlab.models.folding import rechain
from ganlab.training.stages import Objective

TUNINGS = ("dense", "adam")
# From here on dense networks are not tried without XLA, which takes seconds: half a minute of training on two cores.
_MANY_OPERATIONS = 6e12
# XLA reads this when it first compiles; what the user sets comes last. Adam's update gives three arrays from four, in one loop.
_XLA_FLAGS = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"
os.environ["XLA_FLAGS"] = f"{_XLA_FLAGS} {os.environ.get('XLA_FLAGS', '')}".strip()
Tensor = Any


def pays_for_dense(objective: Objective, steps: int) -> bool:
    """Whether networks without convolutions have so much to train that XLA's compilation is surely worth its seconds."""
    variables = [v for network in objective.networks.values() for v in network.trainable_variables]
    convolutions = any(len(v.shape) > 2 for v in variables)  # their kernels have more than two axes
    return not convolutions and step_flops(objective) * steps > _MANY_OPERATIONS


def tune_dense(objective: Objective) -> Objective:
    """The objective whose passes run `Dense` layers as `DenseOfKernelFirst`."""
    forms = {name: _kernel_first(objective.called(name)) for name in objective.networks}
    return dataclasses.replace(objective, forms=forms)


class DenseOfKernelFirst(keras.layers.Layer):
    """What a Dense layer of float32 gives, by its own variables; (batch, inputs) -> (batch, units).

    The gradient of its inputs, slopes kernel^T, is computed as (kernel slopes^T)^T. XLA's product of matrices copies its second
    factor into another order first, which so is the small one; measured on shapes of dense GANs that is 1.5 times faster.
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


@contextlib.contextmanager
def adam_in_one_pass(optimizer: keras.Optimizer) -> Iterator[None]:
    """While it lasts, an optimizer whose update is Adam's computes it by `_adam_step`; others stay as they are."""
    if type(optimizer).update_step is not keras.optimizers.Adam.update_step or optimizer.amsgrad:
        yield
        return
    optimizer.update_step = functools.partial(_adam_step, optimizer)
    try:
        yield
    finally:
        del optimizer.update_step


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


def _adam_step(optimizer: keras.optimizers.Adam, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
    """Keras' Adam (Kingma and Ba 2015, efficient form before section 2.1), as one loop over a variable instead of two.

    XLA fuses what reads the same arrays, but not what reads a result that is kept as well. So the moments are computed twice
    from what they are computed from: once to be kept and once for the weights. The second time the gradient is multiplied by a
    one that XLA does not know to be one, or it would find that both are the same.
    """
    index = optimizer._get_variable_index(variable)
    moment, square = optimizer._momentums[index], optimizer._velocities[index]
    one = ops.where(optimizer.iterations >= 0, 1.0, float("nan"))
    gradient, again = ops.cast(gradient, variable.dtype), ops.cast(gradient, variable.dtype) * one
    step = ops.cast(optimizer.iterations + 1, variable.dtype)
    first, second = (1 - ops.power(beta, step) for beta in (optimizer.beta_1, optimizer.beta_2))
    alpha = ops.cast(learning_rate, variable.dtype) * ops.sqrt(second) / first

    def moments(gradient):
        return (
            moment + (gradient - moment) * (1 - optimizer.beta_1),
            square + (ops.square(gradient) - square) * (1 - optimizer.beta_2),
        )

    kept, used = moments(gradient), moments(again)
    moved = variable - used[0] * alpha / (ops.sqrt(used[1]) + optimizer.epsilon)
    for target, value in zip((moment, square, variable), (*kept, moved), strict=True):
        optimizer.assign(target, value)
