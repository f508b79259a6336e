"""`train.simultaneous`: both networks move by gradients at the weights that both had before the step."""

import dataclasses

import numpy as np
import pytest

from ganlab.training.stages import Together
from tests.training.tiny import BACKEND, SGD, build, tiny_config

RATE = 0.1
# A linear generator under a linear critic: x = z W and D(x) = x v.
LINEAR = {
    "generator": [{"Dense": {"units": 8, "use_bias": False}}],
    "discriminator": [{"Dense": {"units": 1, "use_bias": False}}],
    "optimizer": SGD,
    "loss": "wasserstein",
}


def means(tiny):
    """(mean of the real images, mean of the latents) of the next step."""
    taken = tiny.draws.take(tiny.done, 1)
    real = tiny.steps.arrays["images"][taken["real_0"][0]] / 127.5 - 1
    return real.mean(axis=0), taken["latents_fake_0"][0].mean(axis=0)


@pytest.mark.parametrize("jit", BACKEND.JIT)
@pytest.mark.parametrize("batches", ["separate", "joint"])
def test_both_gradients_are_taken_before_either_network_moves(jit, batches):
    tiny = build(tiny_config(**LINEAR, train={"simultaneous": True, "discriminator_batches": batches}), jit)
    for _ in range(3):
        (generator,), (critic,) = tiny.weights("generator"), tiny.weights("discriminator")
        real, latents = means(tiny)
        rows = tiny.train(1)
        fake = latents @ generator
        # d_loss = mean D(fake) - mean D(real) and g_loss = -mean D(fake), both of the weights before the step
        assert tiny.column(rows, "d_loss")[0] == pytest.approx(((fake - real) @ critic).item(), abs=1e-5)
        assert tiny.column(rows, "g_loss")[0] == pytest.approx(-(fake @ critic).item(), abs=1e-5)
        np.testing.assert_allclose(tiny.weights("discriminator")[0], critic - RATE * (fake - real)[:, None], atol=1e-5)
        moved = generator + RATE * latents[:, None] * critic.T
        np.testing.assert_allclose(tiny.weights("generator")[0], moved, atol=1e-5)


def test_one_after_the_other_the_generator_learns_from_the_critic_that_has_moved():
    tiny = build(tiny_config(**LINEAR, train={"share_latents": True}))
    (generator,), (before,) = tiny.weights("generator"), tiny.weights("discriminator")
    latents = means(tiny)[1]
    tiny.train(1)
    (after,) = tiny.weights("discriminator")
    np.testing.assert_allclose(tiny.weights("generator")[0], generator + RATE * latents[:, None] * after.T, atol=1e-5)
    assert np.abs(after - before).max() > 1e-2


def test_their_order_makes_no_difference():
    def reversed_updates(objective):
        (*before, together) = objective.stages
        return dataclasses.replace(objective, stages=(*before, Together(together.updates[::-1])))

    config = tiny_config(train={"simultaneous": True})
    one, other = build(config), build(config, change=reversed_updates)
    np.testing.assert_allclose(one.train(3), other.train(3), rtol=1e-6)
    for name in ("generator", "discriminator"):
        for first, second in zip(one.weights(name), other.weights(name), strict=True):
            np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)
