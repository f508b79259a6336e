"""A run folder beside the oracle, from files alone: config.yaml and a state give the next rows of history.csv and a later state."""

import csv
import os

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_digits

from tests.cli.experiments import states, the_run
from tests.forks import Fork
from tests.oracle.gan import Gan

CONFIG = """\
name: held
data: {name: digits}
latent: {dim: 4, distribution: uniform}
generator:
  layers:
    - merge: Concatenate
      branches: {latents: [], class: [Labels]}
    - Dense: {units: 12, use_bias: false}
    - BatchNormalization: {momentum: 0.8}
    - LeakyReLU
    - Dense: {units: 64, activation: tanh}
    - Reshape: {target_shape: [8, 8, 1]}
  optimizer: {RMSprop: {learning_rate: 1.0e-3}}
discriminator:
  layers:
    - Flatten
    - merge: Concatenate
      branches: {image: [], class: [Labels]}
    - Dense: {units: 10, activation: tanh}
    - Dense: {units: 1}
  optimizer:
    Adam: {beta_1: 0.5, learning_rate: {ExponentialDecay: {initial_learning_rate: 0.002, decay_steps: 10, decay_rate: 0.5}}}
labels: conditional
output: {samples_every: 50, checkpoint_every: 4, grid: [2, 2]}
metrics: []
"""
KINDS = {
    "alternate": """\
loss: hinge
clip_weights: 0.03
train: {steps: 12, batch_size: 300, discriminator_steps: 2, discriminator_batches: alternate, ema: 0.9}
jit: false
""",
    "joint, under XLA": """\
loss: {least_squares: {real_label: [0.8, 1.1], flip_labels: 0.1}}
penalty: {wgan_gp: {every: 2}}
train: {steps: 12, batch_size: 300, discriminator_batches: joint, share_latents: true, ema: 0.9}
jit: true
""",
}


@pytest.mark.skipif(os.environ["KERAS_BACKEND"] != "tensorflow", reason="tests.forks has loaded TensorFlow")
@pytest.mark.parametrize("kind", KINDS)
def test_a_state_and_the_config_tell_the_next_rows_and_the_next_state(tmp_path, kind):
    (tmp_path / "held.yaml").write_text(CONFIG + KINDS[kind])
    process = Fork(tmp_path, "run", "held.yaml", "-q")
    assert process.wait(timeout=300) == 0, process.communicate()
    run = the_run(tmp_path / "results")
    digits = load_digits()
    images = np.rint(digits.images * 255 / 16)[..., None]
    oracle = Gan(yaml.safe_load((run / "config.yaml").read_text()), states(run, 8), images, digits.target)
    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    for number in range(8, 12):
        for name, value in oracle.step(number).items():
            assert float(rows[number][name] or "nan") == pytest.approx(value, rel=1e-3, abs=1e-4, nan_ok=True), name
    found, expected = oracle.state(), states(run, 12)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=2e-4, err_msg=name)
    before = states(run, 8)
    assert np.mean([np.array_equal(array, before[name]) for name, array in expected.items()]) < 0.5  # the others moved
