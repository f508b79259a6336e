import numpy as np
import pytest
from keras import ops

from ganlab.objectives.averages import move_average
from tests.training.tiny import build, tiny_config


def test_it_follows_the_formula_over_steps():
    layers = [{"Dense": {"units": 8}}, "BatchNormalization"]
    tiny = build(tiny_config(generator=layers, train={"ema": 0.4}))
    generator, average = tiny.models.networks["generator"], tiny.models.averages["generator"]
    expected = [np.array(v, np.float64) for v in generator.trainable_variables]
    for ours, first in zip(average.trainable_variables, expected, strict=True):
        np.testing.assert_array_equal(np.array(ours), first)  # it starts at the generator's first weights
    for step in range(6):
        tiny.train(1)
        decay = min(0.4, (1 + step) / (10 + step))
        weights = [np.array(v, np.float64) for v in generator.trainable_variables]
        expected = [decay * kept + (1 - decay) * new for kept, new in zip(expected, weights, strict=True)]
        for ours, exact in zip(average.trainable_variables, expected, strict=True):
            np.testing.assert_allclose(np.array(ours), exact, atol=1e-6)
        for ours, copied in zip(
            average.model.non_trainable_variables, generator.model.non_trainable_variables, strict=True
        ):
            np.testing.assert_array_equal(np.array(ours), np.array(copied))
    assert (1 + 6) / (10 + 6) > 0.4  # both branches of the minimum were met


@pytest.mark.parametrize(("step", "decay"), [(0, 0.1), (5, 0.4), (90, 0.91), (10**6, 0.999)])
def test_early_averages_forget_the_random_start(step, decay):
    models = build(tiny_config(train={"ema": 0.999})).models
    generator, average = models.networks["generator"], models.averages["generator"]
    generator.model.set_weights([np.ones_like(array) for array in generator.model.get_weights()])
    average.model.set_weights([np.zeros_like(array) for array in average.model.get_weights()])
    move_average(average, generator, lambda step: 0.999, {"step": ops.convert_to_tensor(float(step))})
    for array in average.model.get_weights():
        np.testing.assert_allclose(array, 1 - decay, rtol=1e-4)


def test_it_does_not_change_the_training():
    with_it, without = build(tiny_config(train={"ema": 0.9})), build(tiny_config())
    np.testing.assert_array_equal(with_it.train(3), without.train(3))
