"""Draws first weights on the host, so that they are equal on all backends.

Keras' initializers use the backend's own generator, and each backend gives other numbers for one seed. Here NumPy's Philox,
keyed by the initializer's seed, draws from the distributions of Keras' classes.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import initializers
from threadpoolctl import threadpool_limits


def draw_on_host(layer: keras.Layer) -> keras.Layer:
    """Makes a layer and its inner layers draw their weights here when they are built. Returns the layer."""
    for part in layer._flatten_layers():
        part.add_weight = functools.partial(_add_weight, part.add_weight)
    return layer


def _add_weight(add_weight: Any, *shape: Any, initializer: Any = None, **more: Any) -> keras.Variable:
    initializer = initializers.get(initializer)
    if _drawing(initializer):
        drawn = functools.partial(draw_weights, initializer)
        return add_weight(*shape, initializer=lambda shape, dtype=None: drawn(shape), **more)
    return add_weight(*shape, initializer=initializer, **more)


def draw_weights(initializer: initializers.Initializer, shape: tuple[int, ...]) -> np.ndarray:
    """float32 numbers of one of the classes in DRAWN. The same seed gives the same numbers."""
    generator = np.random.Generator(np.random.Philox(initializer.seed))
    return _drawing(initializer)(initializer, generator, tuple(shape)).astype(np.float32)


def _drawing(initializer: Any) -> Callable | None:
    return next((draw for cls, draw in DRAWN.items() if isinstance(initializer, cls)), None)


def _scaled(
    initializer: initializers.VarianceScaling, generator: np.random.Generator, shape: tuple[int, ...]
) -> np.ndarray:
    """Variance scale / fan (Glorot & Bengio 2010, He et al. 2015)."""
    fans = _fans(initializer, shape)
    fan = {"fan_in": fans[0], "fan_out": fans[1], "fan_avg": sum(fans) / 2}[initializer.mode]
    deviation = math.sqrt(initializer.scale / max(1.0, fan))
    if initializer.distribution == "uniform":
        return math.sqrt(3) * deviation * generator.uniform(-1, 1, shape)
    if initializer.distribution == "untruncated_normal":
        return deviation * generator.standard_normal(shape)
    return deviation / _DEVIATION_WITHIN_TWO * _within_two(generator, shape)


def _orthogonal(
    initializer: initializers.Orthogonal, generator: np.random.Generator, shape: tuple[int, ...]
) -> np.ndarray:
    """Orthonormal columns, or orthonormal rows if there are fewer rows (Saxe et al. 2014, arXiv 1312.6120).

    The matrix has the last axis as columns and all other axes as rows.
    """
    rows, columns = math.prod(shape[:-1]), shape[-1]
    numbers = generator.standard_normal((max(rows, columns), min(rows, columns)))
    # Several BLAS threads on a busy machine wait for each other, for seconds.
    with threadpool_limits(1, "blas"):
        matrix, triangle = np.linalg.qr(numbers)
    matrix *= np.sign(np.diag(triangle))  # without it, the distribution over orthogonal matrices is not uniform
    return initializer.gain * (matrix.T if rows < columns else matrix).reshape(shape)


def _fans(initializer: initializers.VarianceScaling, shape: tuple[int, ...]) -> tuple[int, int]:
    """(inputs, outputs) of one unit: the last two axes, times the size of a convolution's window."""
    if initializer.input_axes is not None and initializer.output_axes is not None:
        return tuple(
            math.prod(shape[axis] for axis in axes) for axes in (initializer.input_axes, initializer.output_axes)
        )
    if len(shape) < 2:
        return (*shape, *shape) or (1, 1)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


_DEVIATION_WITHIN_TWO = 0.87962566103423978  # of a standard normal cut off at -2 and 2


def _within_two(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers. Numbers beyond 2 are drawn again."""
    numbers = generator.standard_normal(shape)
    while (outside := np.abs(numbers) > 2).any():
        numbers[outside] = generator.standard_normal(outside.sum())
    return numbers


DRAWN = {
    initializers.RandomNormal: lambda given, numbers, shape: given.mean + given.stddev * numbers.standard_normal(shape),
    initializers.TruncatedNormal: lambda given, numbers, shape: given.mean + given.stddev * _within_two(numbers, shape),
    initializers.RandomUniform: lambda given, numbers, shape: numbers.uniform(given.minval, given.maxval, shape),
    initializers.VarianceScaling: _scaled,  # and its subclasses: Glorot, He and LeCun
    initializers.Orthogonal: _orthogonal,
}
