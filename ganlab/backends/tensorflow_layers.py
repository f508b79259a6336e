"""Grouped convolutions as TensorFlow's own operation: Keras has XLA compile them, and their gradients then take far longer.

The numbers differ from Keras' by rounding alone. Only training steps use this function.
"""

import functools

import keras
import tensorflow as tf


def convolution(layer: keras.layers.Conv2D, inputs: tf.Tensor, training: bool) -> tf.Tensor:
    """Conv2D on (batch, height, width, channels)."""
    if layer.groups == 1 or layer.data_format != "channels_last" or not has_grouped_gradients():
        return layer.call(inputs)
    padding = layer.padding.upper()
    outputs = tf.nn.convolution(inputs, layer.kernel.value, layer.strides, padding, dilations=layer.dilation_rate)
    return layer.activation(outputs if layer.bias is None else outputs + layer.bias.value)


@functools.cache
def has_grouped_gradients() -> bool:
    """Whether TensorFlow's own gradients of a grouped convolution work here: on a CPU by oneDNN, which a user can turn off.

    On a GPU Keras' way is fast, so nothing is changed there.
    """
    if tf.config.get_visible_devices("GPU"):
        return False

    @tf.function(autograph=False)
    def gradients(images: tf.Tensor, kernel: tf.Tensor) -> list[tf.Tensor]:
        return tf.gradients(tf.nn.conv2d(images, kernel, 1, "SAME"), [images, kernel])

    try:
        with tf.init_scope():  # computed at once, also if a step is being traced
            gradients(tf.ones((1, 3, 3, 4)), tf.ones((3, 3, 2, 4)))
    except tf.errors.InvalidArgumentError:
        return False
    return True


COMPUTATIONS = {keras.layers.Conv2D: convolution}
