"""The optimizer benchmark: its problems have the networks of the tutorial, and a study varies both optimizers at once."""

import itertools
import math
from pathlib import Path

import pytest

from ganlab.config.loading import configs_at, load_config
from ganlab.config.schema import Form
from ganlab.sweeps.configs import configs_of

keras = pytest.importorskip("keras")

STUDY = Path(__file__).parents[2] / "experiments" / "tsingunidis2020"
PROBLEMS = [f"{data}_dcgan{size}" for data in ("mnist", "fmnist", "afhq", "celeba") for size in ("", "_32")]


def expected_parameters(side: int, channels: int, base: int) -> dict[str, int]:
    """Trainable numbers of the tutorial's networks: 4x4 kernels without biases, two vectors a batch normalization.

    Args:
        side: of the images, 32 or 64; each doubling from 4 is a layer.
        channels: of the images.
        base: filters of the layer beside the images.
    """
    widths = [base * 2**power for power in range(int(math.log2(side)) - 2)]  # from the images inwards
    between = sum(16 * a * b for a, b in itertools.pairwise(widths))
    outer, norms = 16 * channels * base, 2 * sum(widths)
    return {
        "generator": 16 * 100 * widths[-1] + between + outer + norms,
        "discriminator": outer + between + 16 * widths[-1] + norms - 2 * base,  # the first layer is not normalized
    }


@pytest.fixture(scope="module")
def forgotten():
    yield
    keras.utils.clear_session()  # Keras keeps a list of the weights that it would still draw


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_has_the_parameters_of_the_tutorial(name, forgotten):
    from ganlab.models.building import build_network

    config = load_config(STUDY / "problems" / f"{name}.yaml")
    is_small, channels = name.endswith("_32"), 1 if "mnist" in name else 3
    side = 32 if is_small else 64
    assert config.name == name and config.data.image_size == side
    with keras.StatelessScope(initialize_variables=False):  # weights with shapes and without numbers
        built = {network: build_network(config, network, Form((side, side, channels))) for network in config.networks}
    found = {key: sum(math.prod(v.shape) for v in network.trainable_variables) for key, network in built.items()}
    assert found == expected_parameters(side, channels, 16 if is_small else 64)


def test_the_widths_of_the_tutorial_give_these_counts():
    # Counted from the tutorial's printed networks with one channel.
    assert expected_parameters(64, 1, 64) == {"generator": 3_574_656, "discriminator": 2_763_520}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_starts_and_trains_as_in_the_tutorial(name):
    config = load_config(STUDY / "problems" / f"{name}.yaml")
    for network in config.networks.values():
        layers = [(spec.kind, spec.arguments) for spec in network.expanded()]
        kernels = [given for kind, given in layers if kind.startswith("Conv2D")]
        norms = [given for kind, given in layers if kind == "BatchNormalization"]
        assert len(kernels) == (4 if name.endswith("_32") else 5) and len(norms) == len(kernels) - 2 + (
            network is config.generator
        )
        assert all(given["kernel_initializer"] == {"RandomNormal": {"stddev": 0.02}} for given in kernels)
        assert not any(given["use_bias"] for given in kernels)
        assert all((given["momentum"], given["epsilon"]) == (0.9, 1e-5) for given in norms)
        assert all(given["gamma_initializer"] == {"RandomNormal": {"mean": 1.0, "stddev": 0.02}} for given in norms)
        assert network.optimizer["Adam"] == {"learning_rate": 2e-4, "beta_1": 0.5, "epsilon": 1e-8}
    assert config.train.share_latents and config.output.grid == [8, 8] and config.output.samples_at_epochs


def test_every_problem_is_checked_here():
    assert sorted(path.stem for path in configs_at(STUDY / "problems")) == sorted(PROBLEMS)


@pytest.mark.parametrize(("folder", "count"), [(".", 13), ("full", 8)])
def test_a_study_varies_the_optimizers_of_both_networks(folder, count):
    configs, problems = configs_of(STUDY / folder, seeds=[0])
    assert problems == [] and len({config.name for config in configs}) == count
    kinds = [tuple(next(iter(network.optimizer)) for network in config.networks.values()) for config in configs]
    assert {("Adam", "Adam"), ("SGD", "SGD"), ("RMSprop", "RMSprop"), ("Adam", "SGD")} == set(kinds)
