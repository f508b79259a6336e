"""`keras.ops`, loaded at first use: the tables of losses, penalties and objectives can be read without a framework.

Two functions replace Keras' own, which wait for the device on PyTorch.
"""

from typing import Any


def one_hot(labels: Any, classes: int) -> Any:
    """float32 (..., classes) of integers (...)."""
    import keras

    return keras.ops.cast(keras.ops.equal(labels[..., None], keras.ops.arange(classes, dtype=labels.dtype)), "float32")


def not_a_number() -> Any:
    """The scalar NaN, float32."""
    import keras

    return keras.ops.convert_to_tensor(float("nan"), "float32")


def __getattr__(name: str) -> Any:
    import keras

    return getattr(keras.ops, name)
