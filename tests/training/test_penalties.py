import numpy as np
import pytest
from keras import ops

from ganlab.training.penalties import PENALTIES
from tests.training.tiny import BACKEND

NOISE = np.random.default_rng(0)
REAL, FAKE = NOISE.normal(size=(2, 4, 3, 2, 1)).astype(np.float32)
MIXING = {"wgan_gp": NOISE.random((4, 1), np.float32), "dragan": NOISE.random((4, 3, 2, 1), np.float32)}


def apply(name, critic, input_gradient=BACKEND.input_gradient):
    tensors = (None if array is None else ops.convert_to_tensor(array) for array in (REAL, FAKE, MIXING.get(name)))
    return PENALTIES[name].function(critic, *tensors, input_gradient)


def penalty_of(name, critic):
    return float(apply(name, critic))


def points_of(name):
    """Where a penalty measures the slope."""
    seen = []

    def input_gradient(critic, points):
        seen.append(np.array(points))
        return points

    apply(name, linear(WEIGHTS), input_gradient)
    return seen[0]


def slope_of(name, critic_of, at):
    """The penalty of critic_of(scale), and its gradient by the scale."""

    def penalty(scale):
        return apply(name, critic_of(scale))

    scale = ops.convert_to_tensor(at, "float32")
    return float(penalty(scale)), float(BACKEND.input_gradient(penalty, scale))


def linear(weights):
    """The critic w.x of images, whose slope is |w| everywhere."""
    weights = ops.reshape(ops.convert_to_tensor(weights, "float32"), (1, 3, 2, 1))
    return lambda images: ops.sum(images * weights, axis=(1, 2, 3))[:, None]


WEIGHTS = np.array([1.0, -2.0, 0.5, 0.0, 3.0, 1.0])
LENGTH = float(np.linalg.norm(WEIGHTS))


@pytest.mark.parametrize("name", ["wgan_gp", "dragan"])
def test_a_linear_critic_of_slope_one_has_no_penalty(name):
    assert penalty_of(name, linear(WEIGHTS / LENGTH)) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("name", ["wgan_gp", "dragan"])
def test_a_linear_critic_of_another_slope_has_the_square_of_the_difference(name):
    assert penalty_of(name, linear(WEIGHTS)) == pytest.approx((LENGTH - 1) ** 2, rel=1e-5)


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_r1_and_r2_of_a_linear_critic_are_half_its_squared_slope(name):
    assert penalty_of(name, linear(WEIGHTS)) == pytest.approx(LENGTH**2 / 2, rel=1e-6)


@pytest.mark.parametrize("name", ["wgan_gp", "dragan"])
def test_the_penalty_is_per_sample_so_that_slopes_of_zero_and_two_do_not_make_up_for_each_other(name):
    slopes = ops.convert_to_tensor([0.0, 2.0, 0.0, 2.0])[:, None]
    assert penalty_of(name, lambda images: images[:, 0, 0] * slopes) == pytest.approx(1.0, abs=1e-5)


def test_r1_is_a_mean_over_samples():
    slopes = ops.convert_to_tensor([0.0, 2.0, 0.0, 4.0])[:, None]
    assert penalty_of("r1", lambda images: images[:, 0, 0] * slopes) == pytest.approx((4 + 16) / 4 / 2)


def test_r1_looks_at_real_images_and_r2_at_generated_ones():
    def square(images):
        return ops.sum(images**2, axis=(1, 2, 3))[:, None] / 2  # its slope at x is |x|

    for name, images in (("r1", REAL), ("r2", FAKE)):
        assert penalty_of(name, square) == pytest.approx(np.sum(np.array(images) ** 2) / 4 / 2, rel=1e-5)


def test_wgan_gp_measures_between_each_real_image_and_its_generated_one():
    share = np.array(MIXING["wgan_gp"]).reshape(4, 1, 1, 1)
    expected = share * REAL + (1 - share) * FAKE
    np.testing.assert_allclose(points_of("wgan_gp"), expected, rtol=1e-5, atol=1e-6)


def test_dragan_measures_around_real_images_within_half_their_deviation():
    expected = REAL + 0.5 * REAL.std() * MIXING["dragan"]
    np.testing.assert_allclose(points_of("dragan"), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_flat_critic_has_a_finite_penalty_and_gradient(name):
    value, slope = slope_of(name, lambda scale: lambda images: ops.sum(images, axis=(1, 2, 3))[:, None] * scale, 0.0)
    assert value == pytest.approx(0.0 if name in ("r1", "r2") else 1.0, abs=1e-5)
    assert np.isfinite(slope)


@pytest.mark.parametrize("name", PENALTIES)
def test_the_penalty_pushes_a_critic_that_is_too_steep_to_be_less_so(name):
    _, slope = slope_of(name, lambda scale: lambda images: linear(WEIGHTS)(images) * scale, 1.0)
    # d/ds of (s L - 1)^2 and of s^2 L^2 / 2, at s = 1
    expected = LENGTH**2 if name in ("r1", "r2") else 2 * (LENGTH - 1) * LENGTH
    assert slope == pytest.approx(expected, rel=1e-5)


def test_the_usual_weights_are_those_of_the_documentation():
    assert {name: row.weight for name, row in PENALTIES.items()} == {"wgan_gp": 10, "dragan": 10, "r1": 1, "r2": 1}
