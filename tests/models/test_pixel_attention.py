"""The layer PixelAttention against its formulas in plain NumPy, one pixel and one head at a time."""

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.backends import load_backend
from ganlab.models.layers import PixelAttention
from ganlab.training.penalties import r1

INPUT_GRADIENT = load_backend(keras.backend.backend()).input_gradient
HEADS, SIZE, SIDES = 2, 3, (4, 5)
INPUTS = np.random.default_rng(0).standard_normal((2, *SIDES, 3 * HEADS * SIZE)).astype(np.float32)


def softmax(values: np.ndarray, axis: int) -> np.ndarray:
    exponentials = np.exp(values)
    return exponentials / exponentials.sum(axis, keepdims=True)


def parts(image: np.ndarray, head: int) -> list[np.ndarray]:
    """Queries, keys and values of one head, each (height, width, SIZE): a third of the channels, then a head of it."""
    return [third[..., head * SIZE : (head + 1) * SIZE] for third in np.split(image, 3, axis=-1)]


def near(image: np.ndarray, head: int, window: int) -> np.ndarray:
    """Softmax attention of each pixel to the window around it, zeros beyond the edge."""
    queries, keys, values = parts(image, head)
    keys, values = (np.pad(part, ((window // 2,) * 2, (window // 2,) * 2, (0, 0))) for part in (keys, values))
    found = np.zeros_like(queries)
    for y, x in np.ndindex(*SIDES):
        around = [part[y : y + window, x : x + window].reshape(-1, SIZE) for part in (keys, values)]
        found[y, x] = softmax(around[0] @ queries[y, x] / np.sqrt(SIZE), 0) @ around[1]
    return found


def linear(image: np.ndarray, head: int) -> np.ndarray:
    """softmax(queries) (softmax(keys) transposed values), the keys' softmax over pixels."""
    queries, keys, values = (part.reshape(-1, SIZE) for part in parts(image, head))
    return (softmax(queries, 1) / np.sqrt(SIZE) @ (softmax(keys, 0).T @ values)).reshape(*SIDES, SIZE)


@pytest.mark.parametrize("window", [None, 3, 5])
def test_follows_the_formula_of_its_source(window):
    found = ops.convert_to_numpy(PixelAttention(HEADS, window)(INPUTS))
    assert found.shape == (2, *SIDES, HEADS * SIZE)
    for image, attended in zip(INPUTS, found, strict=True):
        for head in range(HEADS):
            expected = linear(image, head) if window is None else near(image, head, window)
            np.testing.assert_allclose(attended[..., head * SIZE : (head + 1) * SIZE], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", [None, 3])
def test_r1_through_it_has_a_gradient(window):
    layer = PixelAttention(HEADS, window)

    def penalty(images):
        return r1(
            lambda points: ops.sum(layer(points) ** 2, axis=(1, 2, 3))[:, None], images, None, None, INPUT_GRADIENT
        )

    slopes = ops.convert_to_numpy(INPUT_GRADIENT(penalty, ops.convert_to_tensor(INPUTS)))
    assert np.isfinite(slopes).all() and (np.abs(slopes).sum(axis=(1, 2, 3)) > 0).all()


def test_computes_a_softmax_in_float32_under_mixed_precision():
    images = np.ones((1, 20, 20, 6), np.float32)  # each of 400 shares is 1/400, and bfloat16 would sum 400 ones to 256
    outputs = PixelAttention(1, dtype="mixed_bfloat16")(images)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(outputs, "float32")), 0.5**0.5, rtol=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heads": 0}, "`heads` is an integer >= 1, received 0"),
        ({"window": 2}, "`window` is an odd integer >= 3 or null, received 2"),
        ({"window": 1}, "`window` is an odd integer >= 3 or null, received 1"),
        ({"window": 3.0}, "`window` is an odd integer >= 3 or null, received 3.0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PixelAttention(**arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((None, 12), "expected images; the input has 1 axes"),
        ((None, 4, 4, 8), r"queries, keys and values need a multiple of 3 \* heads = 6 channels, received 8"),
    ],
)
def test_wrong_shapes_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        PixelAttention(2).build(shape)
