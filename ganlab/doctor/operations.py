"""The self-test's operations on one device of Keras' backend; `cases` says what goes in and what must come out."""

import keras
import numpy as np
from keras import layers

from ganlab.doctor.cases import ADAM, EPSILON, Case, cases


def compute(device: str) -> dict[str, np.ndarray]:
    """Every operation by its name, computed on a device such as "cpu:0" or "gpu:0"."""
    with keras.device(device):
        return {name: OPERATIONS[name](case) for name, case in cases().items()}


def _apply(layer: keras.Layer, inputs: np.ndarray, weights: list[np.ndarray], training: bool = False) -> np.ndarray:
    inputs = keras.ops.convert_to_tensor(inputs)
    layer.build(inputs.shape)
    for variable, value in zip(layer.trainable_variables, weights, strict=True):
        variable.assign(value)
    return keras.ops.convert_to_numpy(layer(inputs, training=training))


def _convolution(case: Case) -> np.ndarray:
    layer = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)
    return _apply(layer, case.inputs["images"], [case.inputs["kernel"]])


def _transposed_convolution(case: Case) -> np.ndarray:
    layer = layers.Conv2DTranspose(3, 4, strides=2, padding="same", use_bias=False)
    return _apply(layer, case.inputs["images"], [case.inputs["kernel"]])


def _dense(case: Case) -> np.ndarray:
    layer = layers.Dense(64, activation="relu")
    return _apply(layer, case.inputs["inputs"], [case.inputs["kernel"], case.inputs["bias"]])


def _batch_normalization(case: Case) -> np.ndarray:
    layer = layers.BatchNormalization(epsilon=EPSILON)
    return _apply(layer, case.inputs["inputs"], [case.inputs["gamma"], case.inputs["beta"]], training=True)


def _adam_step(case: Case) -> np.ndarray:
    weights = keras.Variable(case.inputs["weights"])
    optimizer = keras.optimizers.Adam(**ADAM)
    optimizer.build([weights])
    optimizer.apply([keras.ops.convert_to_tensor(case.inputs["gradient"])], [weights])
    return keras.ops.convert_to_numpy(weights)


OPERATIONS = {
    "convolution": _convolution,
    "transposed convolution": _transposed_convolution,
    "dense with relu": _dense,
    "batch normalization": _batch_normalization,
    "an Adam step": _adam_step,
}
