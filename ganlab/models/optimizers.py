"""Optimizers by their Keras names and arguments, learning-rate schedules included."""

import keras

from ganlab.config.schema import Network
from ganlab.errors import did_you_mean
from ganlab.models.arguments import ErrorAt, build_object, public_classes

# LossScaleOptimizer and MultiOptimizer wrap other optimizers; the former serves float16, which ganlab does not offer.
_OPTIMIZERS = {
    name: cls
    for name, cls in public_classes(keras.optimizers, keras.optimizers.Optimizer).items()
    if name not in ("LossScaleOptimizer", "MultiOptimizer")
}


def build_optimizer(network: Network, owner: str, error_at: ErrorAt) -> keras.Optimizer:
    """The optimizer of one network; `owner` is its key in the config: generator or discriminator.

    A schedule counts the updates of its own network: a discriminator updated five times a step is five times as fast through it.
    """
    ((name, arguments),) = network.optimizer.items()
    keys = (owner, "optimizer", name)
    if name not in _OPTIMIZERS:
        raise error_at(keys, f"unknown optimizer.{did_you_mean(name, _OPTIMIZERS)}")
    return build_object(_OPTIMIZERS[name], arguments, keys, error_at, "the optimizer")
