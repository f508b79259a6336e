"""Random changes at a probability, and the probability that follows the discriminator."""

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.models.adaptive import AdaptiveProbability
from ganlab.models.layers.augmentation import DiffAugment

IMAGES = np.random.default_rng(0).uniform(-1, 1, (200, 4, 6, 3)).astype(np.float32)


def changed(policy: list, probability: float | None) -> np.ndarray:
    """Which images a layer changes."""
    keras.utils.set_random_seed(0)
    found = ops.convert_to_numpy(DiffAugment(policy, seed=1)(IMAGES, training=True, probability=probability))
    return (found != IMAGES).any(axis=(1, 2, 3))


def test_flip_exchanges_left_and_right_of_about_half_of_the_images():
    found = ops.convert_to_numpy(DiffAugment(["flip"], seed=1)(IMAGES, training=True))
    flipped = (found == IMAGES[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 60 < flipped.sum() < 140
    np.testing.assert_array_equal(found[~flipped], IMAGES[~flipped])


@pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 0, 0), (0.3, 35, 85), (1.0, 200, 200)])
def test_a_kind_of_change_is_made_at_the_probability(probability, low, high):
    assert low <= changed(["color"], probability).sum() <= high
    assert changed(["color"], None).all()


def test_each_kind_of_change_has_a_chance_of_its_own():
    shares = [changed(policy, 0.5).mean() for policy in (["color"], ["color", "cutout"])]
    assert shares[0] == pytest.approx(0.5, abs=0.12) and shares[1] == pytest.approx(0.75, abs=0.1)


def noted(target: float, *batches: list[int]) -> list[float]:
    """The probability after each batch of signs; four images a batch, 16 images for a way of 1, an interval of 2 batches."""
    adaptive = AdaptiveProbability(target, 16, 2, None)
    found = []
    for signs in batches:
        adaptive.note(ops.convert_to_tensor(signs, "float32")[:, None])
        found.append(float(ops.convert_to_numpy(adaptive.probability.value)))
    return found


SURE, UNSURE, HALF = [1, 1, 1, 1], [-1, -1, -1, -1], [1, 1, 1, -1]


def test_the_probability_rises_above_the_target_and_falls_below_it_every_second_batch():
    assert noted(0.0, HALF, SURE, UNSURE, UNSURE) == [0.0, 0.5, 0.5, 0.0]


def test_the_probability_stays_where_the_mean_sign_is_the_target():
    assert noted(0.5, HALF, HALF, HALF, HALF) == [0.0] * 4


def test_the_probability_stays_within_zero_and_one():
    assert noted(0.0, *[UNSURE] * 2, *[SURE] * 6) == [0.0, 0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0]


def test_generated_images_take_the_place_of_as_many_real_ones_as_the_probability_says():
    adaptive = AdaptiveProbability(0.0, 16, 2, None)
    adaptive.probability.assign(0.5)
    real, fake = ops.ones((4, 2, 2, 1)), ops.zeros((4, 2, 2, 1))
    found = adaptive.deceived(real, fake, ops.convert_to_tensor([0.0, 0.49, 0.5, 0.9]))
    np.testing.assert_array_equal(ops.convert_to_numpy(found)[:, 0, 0, 0], [0, 0, 1, 1])
