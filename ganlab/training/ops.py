"""`keras.ops`, loaded at first use: the tables of losses, penalties and objectives can be read without a framework."""

from typing import Any


def __getattr__(name: str) -> Any:
    import keras

    return getattr(keras.ops, name)
