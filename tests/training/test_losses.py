import math

import numpy as np
import pytest
from keras import ops

from ganlab.training.losses import LOSSES, Judged, match_features, sigmoid_cross_entropy
from tests.training.tiny import BACKEND

LOG2 = math.log(2)

# loss, real logits, fake logits, discriminator's loss, generator's loss
VALUES = [
    ("minimax", 0, 0, 2 * LOG2, -LOG2),
    ("non_saturating", 0, 0, 2 * LOG2, LOG2),
    ("least_squares", 0, 0, 1, 1),
    ("wasserstein", 0, 0, 0, 0),
    ("hinge", 0, 0, 2, 0),
    ("relativistic", 0, 0, LOG2, LOG2),
    # The discriminator is right by far ...
    ("minimax", 50, -50, 0, 0),
    ("non_saturating", 50, -50, 0, 50),
    ("least_squares", 50, -50, 49**2 + 50**2, 51**2),
    ("wasserstein", 50, -50, -100, 50),
    ("hinge", 50, -50, 0, 50),
    ("relativistic", 50, -50, 0, 100),
    # ... and wrong by far.
    ("minimax", -50, 50, 100, -50),
    ("non_saturating", -50, 50, 100, 0),
    ("least_squares", -50, 50, 51**2 + 50**2, 49**2),
    ("wasserstein", -50, 50, 100, -50),
    ("hinge", -50, 50, 102, -50),
    ("relativistic", -50, 50, 100, 0),
    # Where each loss is solved, or at its corner.
    ("least_squares", 1, 0, 0, 1),
    ("hinge", 1, -1, 0, 1),
    ("non_saturating", math.log(3), -math.log(3), 2 * math.log(4 / 3), math.log(4)),
    ("minimax", math.log(3), -math.log(3), 2 * math.log(4 / 3), -math.log(4 / 3)),
    ("relativistic", 1, 1 - math.log(3), math.log(4 / 3), math.log(4)),
    # Here the logits are the features as well.
    ("feature_matching", 0, 0, 2 * LOG2, 0),
    ("feature_matching", 50, -50, 0, 100**2),
    ("feature_matching", -50, 50, 100, 100**2),
]


def logits(*values: float):
    return ops.convert_to_tensor([[value] for value in values], "float32")


def real(judged):
    return Judged(judged, 1.0, features={"last": judged})


def fake(judged):
    return Judged(judged, 0.0, features={"last": judged})


def of_discriminator(name, real_values, fake_values) -> float:
    return float(LOSSES[name].discriminator(real(logits(*real_values)), fake(logits(*fake_values))))


def of_generator(name, real_values, fake_values) -> float:
    return float(LOSSES[name].generator(real(logits(*real_values)), fake(logits(*fake_values))))


@pytest.mark.parametrize(("name", "of_real", "of_fake", "discriminator", "generator"), VALUES)
def test_value(name, of_real, of_fake, discriminator, generator):
    assert of_discriminator(name, [of_real], [of_fake]) == pytest.approx(discriminator, rel=1e-6, abs=1e-12)
    assert of_generator(name, [of_real], [of_fake]) == pytest.approx(generator, rel=1e-6, abs=1e-12)


def test_every_loss_has_values_here():
    assert {row[0] for row in VALUES} == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_means_over_the_batch(name):
    reals, fakes = (0.3, -1.2, 2.5), (-0.4, 0.9, -3.0)
    each = [of_discriminator(name, [r], [f]) for r, f in zip(reals, fakes, strict=True)]
    assert of_discriminator(name, reals, fakes) == pytest.approx(np.mean(each), rel=1e-6)
    if name == "feature_matching":  # the generator's compares means of the batches
        assert of_generator(name, reals, fakes) == pytest.approx((np.mean(reals) - np.mean(fakes)) ** 2, rel=1e-6)
        return
    each = [of_generator(name, [r], [f]) for r, f in zip(reals, fakes, strict=True)]
    assert of_generator(name, reals, fakes) == pytest.approx(np.mean(each), rel=1e-6)


def test_matched_features_are_those_of_all_layers_asked_for_and_of_any_shape():
    numbers = np.random.default_rng(0)
    reals, fakes = ({"a": numbers.normal(size=(4, 3)), "b": numbers.normal(size=(4, 2, 2, 1))} for _ in range(2))
    judged = [Judged(None, features={k: ops.convert_to_tensor(v) for k, v in side.items()}) for side in (reals, fakes)]
    expected = sum(np.sum((reals[name].mean(axis=0) - fakes[name].mean(axis=0)) ** 2) for name in "ab")
    assert float(match_features(*judged)) == pytest.approx(expected, rel=1e-6)


def slope(function, argument) -> float:
    """The gradient of a loss by one of its logits."""
    assert np.isfinite(float(function(argument)))
    return ops.convert_to_numpy(BACKEND.input_gradient(function, argument)).item()


def discriminator_slopes(name: str, of_real: float, of_fake: float) -> tuple[float, float]:
    loss = LOSSES[name].discriminator
    by_real = slope(lambda values: loss(real(values), fake(logits(of_fake))), logits(of_real))
    return by_real, slope(lambda values: loss(real(logits(of_real)), fake(values)), logits(of_fake))


@pytest.mark.parametrize("size", [1.0, 50.0, 1e4])
@pytest.mark.parametrize("name", LOSSES)
class TestGradientOfSaturatedLogits:
    def test_a_discriminator_that_is_wrong_is_pushed_the_right_way(self, name, size):
        by_real, by_fake = discriminator_slopes(name, -size, size)
        assert by_real <= -0.5 and by_fake >= 0.5

    def test_a_generator_that_loses_is_pushed_the_right_way_and_only_minimax_lets_it_down(self, name, size):
        loss = LOSSES[name].generator
        by_fake = slope(lambda values: loss(real(logits(size)), fake(values)), logits(-size))
        if name == "minimax":  # why Goodfellow et al. propose the non-saturating loss
            assert by_fake == pytest.approx(-1 / (1 + math.exp(min(size, 700))), rel=1e-6, abs=1e-12)
        else:
            assert by_fake <= -0.5

    def test_no_gradient_pushes_the_wrong_way_where_the_discriminator_is_right(self, name, size):
        by_real, by_fake = discriminator_slopes(name, size, -size)
        assert np.isfinite([by_real, by_fake]).all()
        if name != "least_squares":  # it pulls outputs back to their targets from both sides
            assert by_real <= 0 <= by_fake


@pytest.mark.parametrize("size", [1e4, 1e30])
@pytest.mark.parametrize("target", [0.0, 0.9, 1.0])
def test_cross_entropy_of_huge_logits_is_finite_and_linear(size, target):
    assert float(sigmoid_cross_entropy(logits(size), target)) == pytest.approx((1 - target) * size, rel=1e-5)
    assert float(sigmoid_cross_entropy(logits(-size), target)) == pytest.approx(target * size, rel=1e-5)


def test_smoothed_targets_are_best_met_by_their_own_logit():
    best = math.log(0.9 / 0.1)
    assert slope(lambda x: sigmoid_cross_entropy(x, 0.9), logits(best)) == pytest.approx(0, abs=1e-6)
