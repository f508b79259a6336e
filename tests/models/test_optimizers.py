import keras
import numpy as np
import pytest

from ganlab.errors import ConfigError
from ganlab.models.building import build_optimizer
from tests.models.networks import config_of


def build(optimizer: str) -> keras.Optimizer:
    config = config_of(optimizer=optimizer)
    return build_optimizer(config.discriminator, "discriminator", config.error_at)


MISTAKES = {
    "Adm": "10:3: discriminator.optimizer.Adm: unknown optimizer. Did you mean 'Adam'?",
    "LossScaleOptimizer": "10:3: discriminator.optimizer.LossScaleOptimizer: unknown optimizer.",
    "{Adam: {learning_rat: 1}}": "10:22: discriminator.optimizer.Adam.learning_rat: unknown key."
    " Did you mean 'learning_rate'?",
    "{Adam: {beta_1: low}}": "10:22: discriminator.optimizer.Adam.beta_1: expected a number, received 'low'",
    "{Adam: {amsgrad: no}}": "10:22: discriminator.optimizer.Adam.amsgrad: expected true or false, received 'no'",
    "{SGD: {loss_scale_factor: 128}}": "10:21: discriminator.optimizer.SGD.loss_scale_factor: cannot be used: it divides",
    "{SGD: {use_ema: true}}": "10:21: discriminator.optimizer.SGD.use_ema: has no effect without ema_overwrite_frequency;",
    "{SGD: {momentum: 2}}": "10:21: discriminator.optimizer.SGD.momentum: the optimizer SGD does not accept this:"
    " `momentum` must be a float between [0, 1].",
    "{Adam: {learning_rate: {CosineDcay: {}}}}": "10:38: discriminator.optimizer.Adam.learning_rate.CosineDcay:"
    " unknown name of a learning-rate schedule 'CosineDcay'. Did you mean 'CosineDecay'?",
    "{Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 0.1}}}}": "10:38: discriminator.optimizer.Adam."
    "learning_rate.CosineDecay.decay_steps: missing; CosineDecay needs it",
    "{Adam: {learning_rate: {module: os}}}": "10:38: discriminator.optimizer.Adam.learning_rate.module: expected a"
    " mapping of arguments, received 'os'",
}


@pytest.mark.parametrize(("optimizer", "message"), MISTAKES.items())
def test_a_mistake_is_one_line_with_its_place(optimizer, message):
    with pytest.raises(ConfigError) as caught:
        build(optimizer)
    assert str(caught.value).startswith(f"c.yaml:{message}")


NAMES = ["Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Nadam", "RMSprop", "SGD"]


@pytest.mark.parametrize("name", NAMES)
def test_optimizers_of_keras_are_built_by_name(name):
    optimizer = build(f"{{{name}: {{learning_rate: 0.25}}}}")
    assert isinstance(optimizer, getattr(keras.optimizers, name))
    assert float(optimizer.learning_rate) == 0.25


def test_arguments_reach_the_optimizer():
    optimizer = build("{Adam: {learning_rate: 1e-3, beta_1: 0.5, beta_2: 0.9, clipnorm: 1.0}}")
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.clipnorm) == (0.5, 0.9, 1.0)


SCHEDULES = {
    # schedule: its values at 0, 5, 10 and 20 updates
    "PolynomialDecay: {initial_learning_rate: 1.0, decay_steps: 10, end_learning_rate: 0.0}": [1, 0.5, 0, 0],
    "CosineDecay: {initial_learning_rate: 1.0, decay_steps: 10}": [1, 0.5, 0, 0],
    "ExponentialDecay: {initial_learning_rate: 1.0, decay_steps: 5, decay_rate: 0.5}": [1, 0.5, 0.25, 0.0625],
    "InverseTimeDecay: {initial_learning_rate: 1.0, decay_steps: 5, decay_rate: 1.0}": [1, 1 / 2, 1 / 3, 1 / 5],
    "PiecewiseConstantDecay: {boundaries: [4, 10], values: [1.0, 0.5, 0.25]}": [1, 0.5, 0.5, 0.25],
}


@pytest.mark.parametrize(("schedule", "values"), SCHEDULES.items())
def test_a_schedule_counts_the_updates(schedule, values):
    optimizer = build(f"{{SGD: {{learning_rate: {{{schedule}}}}}}}")
    weight = keras.Variable(np.zeros(1), dtype="float32")
    optimizer.build([weight])
    found = []
    for step in range(21):
        if step in (0, 5, 10, 20):
            found.append(float(optimizer.learning_rate))
        optimizer.apply([keras.ops.ones(1)], [weight])
    np.testing.assert_allclose(found, values, atol=1e-6)
