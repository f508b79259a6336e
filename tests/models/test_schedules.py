"""Schedules in the place of numbers. What they do to a step: tests/oracle/test_steps.py."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras.optimizers.schedules import PolynomialDecay

from ganlab.config.loading import load_config
from ganlab.errors import ConfigError
from ganlab.models.schedules import ScheduledAdam, build_schedules
from tests.training.tiny import build, tiny_config

CONFIG = Path(__file__).parents[2] / "configs" / "mnist_best.yaml"
RISING = {"PolynomialDecay": {"initial_learning_rate": 0.2, "decay_steps": 10, "end_learning_rate": 0.8}}


def test_each_number_that_has_one_is_found():
    models = build(
        tiny_config(
            penalty={"r1": {"weight": RISING}, "r2": {"weight": 3.0}},
            adaptive={"method": "apa", "probability": RISING},
            train={"ema": RISING},
        )
    ).models
    assert set(models.schedules) == {("penalty", "r1", "weight"), ("adaptive", "probability"), ("train", "ema")}
    assert float(models.over_steps(("penalty", "r1", "weight"), None)(5)) == pytest.approx(0.5)
    assert models.over_steps(("penalty", "r2", "weight"), 3.0)(5) == 3.0
    assert float(models.adaptive.probability) == pytest.approx(0.2)


@pytest.mark.parametrize("written", [0.3, RISING], ids=str)
def test_a_given_probability_does_not_follow_the_discriminator(written):
    models = build(tiny_config(adaptive={"method": "apa", "probability": written, "images": 1})).models
    for _ in range(20):
        models.adaptive.note(np.full((4, 1), 5.0, np.float32))
    assert float(models.adaptive.probability) == pytest.approx(written if written == 0.3 else 0.2)
    models.adaptive.begin(10)
    assert float(models.adaptive.probability) == pytest.approx(written if written == 0.3 else 0.8)


POLYNOMIAL = "{PolynomialDecay: {initial_learning_rate: 1.0, decay_steps: 9, end_learning_rate: -1}}"
MISTAKES = {
    "train.ema={CosineDcay: {}}": "train.ema.CosineDcay: unknown name of a learning-rate schedule 'CosineDcay'."
    " Did you mean 'CosineDecay'?",
    "train.ema={CosineDecay: {initial_learning_rate: 1.5, decay_steps: 5}}": "train.ema: expected values from 0 to 1,"
    " received 1.5 at step 0",
    f"penalty={{r1: {{weight: {POLYNOMIAL}}}}}": "penalty.r1.weight: expected values from 0 to inf, received -1 at step 19",
    "adaptive={method: apa, probability: {CosineDecay: {decay_steps: 5}}}": "adaptive.probability.CosineDecay."
    "initial_learning_rate: missing; CosineDecay needs it",
}


@pytest.mark.parametrize(("option", "message"), MISTAKES.items())
def test_a_mistake_is_one_line_with_its_place(option, message):
    config = load_config(CONFIG, ["train.steps=20", option])
    with pytest.raises(ConfigError) as caught:
        build_schedules(config)
    assert str(caught.value).startswith("-o ") and str(caught.value).endswith(f": {message}")


def test_adam_takes_the_present_value_of_a_schedule():
    """The formulas of Kingma and Ba 2015, before section 2.1, in NumPy."""
    optimizer = ScheduledAdam(0.1, beta_1=0.5, beta_2=PolynomialDecay(0.9, 4, 0.5))
    weight = keras.Variable(np.ones(2), dtype="float32")
    optimizer.build([weight])
    value, moment, square = np.ones(2), np.zeros(2), np.zeros(2)
    for count, gradient in enumerate(np.random.default_rng(0).normal(size=(6, 2)), 1):
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weight])
        beta = 0.9 - 0.4 * min(count - 1, 4) / 4
        moment, square = 0.5 * moment + 0.5 * gradient, beta * square + (1 - beta) * gradient**2
        rate = 0.1 * np.sqrt(1 - beta**count) / (1 - 0.5**count)
        value = value - rate * moment / (np.sqrt(square) + 1e-7)
        np.testing.assert_allclose(np.array(weight), value, rtol=1e-5)
