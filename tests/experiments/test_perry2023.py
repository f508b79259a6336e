"""The scripts of experiments/perry2023, on networks and data of a few numbers."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from ganlab.config.loading import load_config
from ganlab.config.schema import Data
from ganlab.data import load_dataset

keras = pytest.importorskip("keras")

STUDY = Path(__file__).parents[2] / "experiments" / "perry2023"


def script(name: str) -> dict:
    return runpy.run_path(str(STUDY / f"{name}.py"))


@pytest.mark.parametrize("path", sorted(STUDY.glob("*_*.yaml")), ids=lambda path: path.stem)
def test_the_discriminator_has_half_of_the_generator_s_rate(path):
    config = load_config(path)
    networks = config.generator, config.discriminator
    rates = [network.optimizer["SGD"]["learning_rate"] for network in networks]
    assert rates[1] == rates[0] / 2
    assert config.train.generator_batch_size == 2 * config.train.batch_size


def test_distances_are_those_of_known_points():
    row = script("distances")["distances"](np.array([[[0.7, 0.3], [0.7, 0.3]], [[1.0, 0.7], [0.7, 0.3]]]), (0.7, 0.3))
    assert row == {key: pytest.approx(value) for key, value in zip(row, (0.125, 0, 0.25, 0.25), strict=True)}


def test_a_neuron_learns_as_its_formula_says():
    single = script("single_networks")
    single["train"].__globals__["STEPS"] = 3
    for loss, weights, gradient in (
        ("mse", [0.5], lambda output: output * output * (1 - output)),
        ("binary_crossentropy", None, lambda output: output),
    ):
        found = single["train"](single["neuron"](), np.ones((1, 1)), 0, loss, 0.15, weights)
        weight, outputs = 2.0, []
        for _ in range(3):  # input 1: weight and bias move alike
            outputs.append(1 / (1 + np.exp(-2 * weight)))
            weight -= 0.15 * gradient(outputs[-1])
        np.testing.assert_allclose(found["output"], outputs, rtol=1e-5)


def test_of_a_chain_only_the_first_network_moves():
    single = script("single_networks")
    single["train"].__globals__["STEPS"] = 3
    model = single["chain"](4)
    before = [[weight.copy() for weight in part.get_weights()] for part in model.layers]
    found = single["train"](model, np.ones((1, 4)), 1, "binary_crossentropy", 0.5)
    moved = [
        any(not np.array_equal(*pair) for pair in zip(old, part.get_weights(), strict=True))
        for old, part in zip(before, model.layers, strict=True)
    ]
    assert moved == [True, False] and found["loss"][2] < found["loss"][0]


def test_each_image_is_in_one_test_fold_and_never_in_its_own_training():
    images = np.arange(20, dtype=np.uint8).reshape(20, 1, 1, 1)
    trained = []

    class Remembers:
        """A model that knows the class of the images that it has seen, and is wrong about others."""

        def __init__(self, seen, labels, classes):
            self.known = dict(zip(seen.ravel().tolist(), labels.tolist(), strict=True))
            trained.append(set(self.known))

        def predict(self, images, **_):
            return np.array([np.eye(3)[self.known.get(pixel, 2)] for pixel in images.ravel().tolist()])

    scores = list(script("cross_validate")["cross_validate"](Remembers, images, np.arange(20) % 2, 4))
    assert scores == [(0, 1)] * 4
    assert sorted(pixel for seen in trained for pixel in set(range(20)) - seen) == list(range(20))


def test_the_nearest_digit_is_the_one_with_the_fewest_other_pixels():
    digits = load_dataset(Data(name="tiny_digits")).train.images
    noisy = digits.astype(int) + np.random.default_rng(0).integers(-60, 60, digits.shape)
    shuffled = np.clip(noisy, 0, 255).astype(np.uint8)[::-1]
    assert script("nearest_digits")["nearest"](shuffled, digits).tolist() == list(range(10))[::-1]
