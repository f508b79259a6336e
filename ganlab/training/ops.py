"""`keras.ops`, loaded when first used: the tables of losses, penalties and objectives are read without a framework."""

from typing import Any


def __getattr__(name: str) -> Any:
    import keras

    return getattr(keras.ops, name)
