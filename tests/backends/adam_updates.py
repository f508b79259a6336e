"""Some updates by Adam, with Keras' own step or another in its place."""

import contextlib
from collections.abc import Callable

import keras
import numpy as np

Array = np.ndarray


def weights_and_moments(
    kind: str, step: Callable = contextlib.nullcontext, tensor: Callable = keras.ops.convert_to_tensor
) -> list[Array]:
    """Everything `keras.optimizers.<kind>` changes in three updates of two weights inside `step(optimizer)`."""
    numbers = np.random.default_rng(0)
    start, gradients = (numbers.standard_normal((2, 3, 4)).astype(np.float32) for _ in range(2))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)
    optimizer = getattr(keras.optimizers, kind)(schedule, beta_1=0.5, clipnorm=1.0)
    weights = [keras.Variable(array) for array in start]
    optimizer.build(weights)
    for scale in (1.0, 1e-3, -5.0):
        with step(optimizer):
            optimizer.apply([tensor(scale * gradient) for gradient in gradients], weights)
    return [keras.ops.convert_to_numpy(variable) for variable in (*weights, *optimizer.variables)]


def require_close(found: list[Array], expected: list[Array]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
