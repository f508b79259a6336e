"""First weights: the distributions of Keras' initializers, from numbers that are the same on every backend."""

import keras
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from ganlab.models.arguments import INITIALIZERS
from ganlab.models.initial_weights import DRAWN, draw_weights
from ganlab.models.single_layers import build_layer

SHAPE = (5, 5, 40, 60)
NAMES = sorted(name for name, cls in INITIALIZERS.items() if issubclass(cls, tuple(DRAWN)))


def moments(values) -> list[float]:
    values = keras.ops.convert_to_numpy(values)
    return [values.mean(), values.std(), np.abs(values).max()]


def test_every_random_initializer_of_keras_is_drawn_here():
    assert [name for name, cls in sorted(INITIALIZERS.items()) if hasattr(cls(**needed(cls)), "seed")] == NAMES


def needed(cls: type) -> dict:
    return {"side": "real", "window": "hann"} if cls.__name__.startswith("STFT") else {}


@pytest.mark.parametrize("name", NAMES)
def test_mean_deviation_and_reach_are_those_of_keras(name):
    initializer = INITIALIZERS[name](seed=1)
    ours, theirs = moments(draw_weights(initializer, SHAPE)), moments(initializer(SHAPE, dtype="float32"))
    bounded = "Uniform" in name or "Truncated" in name or ("Orthogonal" not in name and "RandomNormal" not in name)
    np.testing.assert_allclose(ours[:2], theirs[:2], rtol=0.02, atol=theirs[1] / 50)
    if bounded:
        assert ours[2] == pytest.approx(theirs[2], rel=0.02)


@pytest.mark.parametrize(
    "options",
    [
        {"mode": mode, "distribution": distribution, "scale": 3.0}
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("uniform", "truncated_normal", "untruncated_normal")
    ],
    ids=lambda options: f"{options['mode']}, {options['distribution']}",
)
@pytest.mark.parametrize("shape", [SHAPE, (300, 200), (50_000,)])
def test_variance_scaling_has_the_deviation_of_keras(options, shape):
    initializer = keras.initializers.VarianceScaling(**options, seed=1)
    ours, theirs = moments(draw_weights(initializer, shape)), moments(initializer(shape, dtype="float32"))
    assert ours[1] == pytest.approx(theirs[1], rel=0.02)


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (3, 3, 2, 7)])
def test_an_orthogonal_matrix_has_orthonormal_columns_or_rows_times_the_gain(shape):
    matrix = draw_weights(keras.initializers.Orthogonal(gain=2.0, seed=1), shape).reshape(-1, shape[-1])
    product = matrix @ matrix.T if len(matrix) < shape[-1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_the_numbers_of_a_seed_are_these_on_every_backend():
    drawn = draw_weights(keras.initializers.GlorotUniform(seed=7), (2, 3))
    expected = np.random.Generator(np.random.Philox(7)).uniform(-1, 1, (2, 3)) * np.sqrt(6 / 5)
    np.testing.assert_allclose(drawn, expected, rtol=1e-6)
    assert drawn.dtype == np.float32


@pytest.mark.parametrize(("wrapper", "factor"), [("SpectralNormalization", 1.0), ("EqualizedLearningRate", 0.5**0.5)])
def test_a_layer_and_the_layer_it_wraps_start_from_them(wrapper, factor):
    error_at = pytest.fail
    inner = {"Dense": {"units": 3, "kernel_initializer": {"HeNormal": {"seed": 5}}}}
    layer = build_layer(wrapper, {"layer": inner}, (), error_at, "wrapped", "float32")
    layer.build((None, 4))
    expected = draw_weights(keras.initializers.HeNormal(seed=5), (4, 3)) / np.float32(factor)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.layer.kernel.value), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "shapes", "weight"),
    [
        ("ConditionalBatchNormalization", [(None, 3), (None, 2)], "class_gamma"),
        ("VirtualBatchNormalization", [(None, 3)], "gamma"),
    ],
)
def test_ganlabs_own_layers_start_from_them(kind, shapes, weight):
    arguments = {"gamma_initializer": {"RandomNormal": {"seed": 5}}}
    layer = build_layer(kind, arguments, (), pytest.fail, "layer", "float32")
    layer.build(*shapes)
    found = keras.ops.convert_to_numpy(getattr(layer, weight).value)
    np.testing.assert_array_equal(found, draw_weights(keras.initializers.RandomNormal(seed=5), found.shape))


def test_a_random_layer_without_a_seed_is_given_one():
    """Keras' Dropout on PyTorch would otherwise draw from a state that no checkpoint has."""
    layer = build_layer("Dropout", {"rate": 0.5}, (), pytest.fail, "dropout", "float32")
    assert isinstance(layer.seed, int)


def test_an_orthogonal_matrix_is_made_by_one_thread(monkeypatch):
    """Two BLAS threads take seconds for a matrix of 2048 rows on a busy machine."""
    qr, threads = np.linalg.qr, []

    def counted(matrix):
        threads.extend(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
        return qr(matrix)

    monkeypatch.setattr(np.linalg, "qr", counted)
    draw_weights(keras.initializers.Orthogonal(seed=1), (4, 3))
    assert threads and set(threads) == {1}
