"""First weights, drawn on the host: the same on every backend.

Keras' initializers draw with the backend's own generator, and each gives other numbers for one seed. Here the distributions of
Keras' classes are drawn by NumPy's Philox, keyed by the initializer's seed.
"""

import functools
import math
from typing import Any

import keras
import numpy as np
from keras import initializers


def draw_on_host(layer: keras.Layer) -> keras.Layer:
    """Lets a layer, and the layers it is made of, draw their weights here when they are built; returns it."""
    for part in layer._flatten_layers():
        part.add_weight = functools.partial(_add_weight, part.add_weight)
    return layer


def _add_weight(add_weight: Any, *shape: Any, initializer: Any = None, **more: Any) -> keras.Variable:
    initializer = initializers.get(initializer)
    if type(initializer) in DRAWN:
        drawn = functools.partial(draw_weights, initializer)
        return add_weight(*shape, initializer=lambda shape, dtype=None: drawn(shape), **more)
    return add_weight(*shape, initializer=initializer, **more)


def draw_weights(initializer: initializers.Initializer, shape: tuple[int, ...]) -> np.ndarray:
    """float32 numbers of one of the classes in DRAWN; the same for the same seed."""
    generator = np.random.Generator(np.random.Philox(initializer.seed))
    return DRAWN[type(initializer)](initializer, generator, tuple(shape)).astype(np.float32)


def _normal(initializer, generator, shape):
    return initializer.mean + initializer.stddev * generator.standard_normal(shape)


def _truncated_normal(initializer, generator, shape):
    return initializer.mean + initializer.stddev * _within_two(generator, shape)


def _uniform(initializer, generator, shape):
    return generator.uniform(initializer.minval, initializer.maxval, shape)


def _scaled(initializer, generator, shape):
    """Variance scale / fan (Glorot & Bengio 2010, He et al. 2015)."""
    fans = _fans(initializer, shape)
    fan = {"fan_in": fans[0], "fan_out": fans[1], "fan_avg": sum(fans) / 2}[initializer.mode]
    deviation = math.sqrt(initializer.scale / max(1.0, fan))
    if initializer.distribution == "uniform":
        return math.sqrt(3) * deviation * generator.uniform(-1, 1, shape)
    if initializer.distribution == "untruncated_normal":
        return deviation * generator.standard_normal(shape)
    return deviation / _DEVIATION_WITHIN_TWO * _within_two(generator, shape)


def _orthogonal(initializer, generator, shape):
    """Orthonormal columns, or rows where there are fewer (Saxe et al. 2014), of the matrix with all axes but the last as rows."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    matrix, triangle = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
    matrix *= np.sign(np.diag(triangle))  # else not uniform among the orthogonal matrices
    return initializer.gain * (matrix.T if rows < columns else matrix).reshape(shape)


def _fans(initializer, shape):
    """Inputs and outputs of one unit: the last two axes, times the size of a convolution's window."""
    if initializer.input_axes is not None and initializer.output_axes is not None:
        return tuple(
            math.prod(shape[axis] for axis in axes) for axes in (initializer.input_axes, initializer.output_axes)
        )
    if len(shape) < 2:
        return (*shape, *shape) or (1, 1)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


_DEVIATION_WITHIN_TWO = 0.87962566103423978  # of a standard normal cut off at -2 and 2


def _within_two(generator, shape):
    """Standard normal numbers; those beyond 2 are drawn again."""
    numbers = generator.standard_normal(shape)
    while (outside := np.abs(numbers) > 2).any():
        numbers[outside] = generator.standard_normal(outside.sum())
    return numbers


DRAWN = {
    initializers.RandomNormal: _normal,
    initializers.TruncatedNormal: _truncated_normal,
    initializers.RandomUniform: _uniform,
    initializers.VarianceScaling: _scaled,
    initializers.GlorotNormal: _scaled,
    initializers.GlorotUniform: _scaled,
    initializers.HeNormal: _scaled,
    initializers.HeUniform: _scaled,
    initializers.LecunNormal: _scaled,
    initializers.LecunUniform: _scaled,
    initializers.Orthogonal: _orthogonal,
}
