"""Adam's update on TensorFlow in one pass through memory. Keras' own takes two passes under XLA and about ten without XLA.

The update is the same except for rounding (Kingma and Ba 2015, arXiv 1412.6980, efficient form before section 2.1).
"""

import os
from typing import Any

import keras
import tensorflow as tf
from keras import ops

# XLA reads the flags at its first compilation. This flag lets one loop write three arrays, see `for_xla`. User's flags come last.
_XLA_FLAGS = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"
os.environ["XLA_FLAGS"] = f"{_XLA_FLAGS} {os.environ.get('XLA_FLAGS', '')}".strip()
Tensor = Any


def by_operation(optimizer: keras.optimizers.Adam, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
    """One TensorFlow operation for each variable."""
    moment, square = _moments(optimizer, variable)
    betas = [tf.cast(beta, variable.dtype) for beta in (optimizer.beta_1, optimizer.beta_2)]
    count = tf.cast(optimizer.iterations + 1, variable.dtype)
    tf.raw_ops.ResourceApplyAdam(
        var=_handle(variable),
        m=_handle(moment),
        v=_handle(square),
        beta1_power=tf.pow(betas[0], count),
        beta2_power=tf.pow(betas[1], count),
        lr=tf.cast(learning_rate, variable.dtype),
        beta1=betas[0],
        beta2=betas[1],
        epsilon=tf.cast(optimizer.epsilon, variable.dtype),
        grad=tf.cast(gradient, variable.dtype),
    )


def for_xla(optimizer: keras.optimizers.Adam, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
    """One loop over a variable instead of two. It needs XLA's fusions with several results (the flag above).

    XLA does not fuse the weight update with the moments when both read a stored result, so the moments are computed twice: once
    to be stored and once for the weights. The second computation multiplies the gradient by a one that XLA cannot recognise;
    otherwise XLA would merge both computations.
    """
    moment, square = _moments(optimizer, variable)
    one = ops.where(optimizer.iterations >= 0, 1.0, float("nan"))
    gradient, again = ops.cast(gradient, variable.dtype), ops.cast(gradient, variable.dtype) * one
    step = ops.cast(optimizer.iterations + 1, variable.dtype)
    first, second = (1 - ops.power(beta, step) for beta in (optimizer.beta_1, optimizer.beta_2))
    alpha = ops.cast(learning_rate, variable.dtype) * ops.sqrt(second) / first

    def moments(gradient: Tensor) -> tuple[Tensor, Tensor]:
        return (
            moment + (gradient - moment) * (1 - optimizer.beta_1),
            square + (ops.square(gradient) - square) * (1 - optimizer.beta_2),
        )

    kept, used = moments(gradient), moments(again)
    moved = variable - used[0] * alpha / (ops.sqrt(used[1]) + optimizer.epsilon)
    for target, value in zip((moment, square, variable), (*kept, moved), strict=True):
        optimizer.assign(target, value)


def _moments(optimizer: keras.optimizers.Adam, variable: Tensor) -> tuple[Tensor, Tensor]:
    index = optimizer._get_variable_index(variable)
    return optimizer._momentums[index], optimizer._velocities[index]


def _handle(variable: Any) -> Tensor:
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
