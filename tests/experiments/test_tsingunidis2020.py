"""The optimizer benchmark: its problems have the networks of the tutorial, and a study varies both optimizers at once."""

import csv
import itertools
import math
import runpy
from pathlib import Path

import numpy as np
import pytest

from ganlab.config.loading import configs_at, load_config
from ganlab.config.schema import Form
from ganlab.config.steps import sample_steps
from ganlab.reports.published import read_publications
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


def test_every_published_experiment_has_a_config_with_its_optimizer():
    rows = list(csv.DictReader((STUDY / "published.csv").open(encoding="utf-8")))
    configs = {config.name: config for config in map(load_config, configs_at(STUDY / "published"))}
    assert list(configs) == sorted(row["name"] for row in rows) and len(rows) == 16
    for row in rows:
        config = configs[row["name"]]
        number = float(row["momentum_or_beta_1"])
        told = {"Adam": {"beta_1": number, "epsilon": 1e-8}, "SGD": {"momentum": number} if number else {}}
        expected = {"learning_rate": float(row["learning_rate"])} | told[row["optimizer"]]
        assert [network.optimizer for network in config.networks.values()] == [{row["optimizer"]: expected}] * 2
        shown = [int(epoch) for epoch in row["shown_epochs"].split()]
        assert config.data.name == row["dataset"] and config.data.image_size in (64, None)
        assert {*shown} <= {*config.output.samples_at_epochs, config.train.epochs}


def test_the_strips_show_the_epochs_of_the_figures():
    counts = {"mnist": 60_000, "fashion_mnist": 60_000, "afhq": 14_630, "celeba": 202_599}
    configs = {config.name: config for config in map(load_config, configs_at(STUDY / "published"))}
    (study,) = (each for each in read_publications(STUDY.parent) if each.name == "tsingunidis2020")
    assert len(study.layout.strips) == 12
    for strip in study.layout.strips:
        config = configs[strip.name]
        count = counts[config.data.name]
        assert {*strip.steps} <= {*sample_steps(config, count), math.ceil(config.train.epochs * count / 128)}


@pytest.mark.parametrize("name", ["failing_gans/failing/tsingunidis_momentum_09", "tsingunidis2020/vae/vae_32_short"])
def test_smaller_networks_and_the_vae_are_made_of_the_problems_layers(name):
    layers = []
    for config in (load_config(STUDY.parent / f"{name}.yaml"), load_config(STUDY / "problems" / "mnist_dcgan_32.yaml")):
        specs = [spec for network in config.networks.values() for spec in network.expanded()]
        sizes = ("filters", "activation", "target_shape")
        told = [(spec.kind, {k: v for k, v in spec.arguments.items() if k not in sizes}) for spec in specs]
        layers.append([spec for spec in told if spec[0].startswith(("Conv2D", "BatchNormalization"))])
    assert all(spec in layers[1] for spec in layers[0]) and len(layers[0]) >= 8


COUNT = runpy.run_path(str(STUDY / "recovery" / "count.py"))


def history(*looks: tuple[float, float], loss: float = 1.0) -> dict[str, np.ndarray]:
    """Four looks or so, every 100 steps, with (diversity, recall); the discriminator is right about 90 % or, at loss 0, 100 %."""
    steps = np.arange(1, 100 * len(looks) + 1)
    seen = np.full((len(steps), 2), np.nan)
    seen[99::100] = looks
    losses = loss + 0.001 * (steps % 3)
    accuracy = np.full(len(steps), 0.9 if loss else 1.0)
    measured = {"d_loss": losses, "g_loss": losses, "d_accuracy_real": accuracy, "d_accuracy_fake": accuracy}
    return {"step": steps, **measured, "diversity": seen[:, 0], "recall": seen[:, 1], "seconds": steps * 0.0}


GOOD, SAME, FAR = (0.9, 0.5), (0.1, 0.5), (0.9, 0.0)


@pytest.mark.parametrize(
    ("looks", "loss", "recovered", "collapse", "stuck"),
    [
        ([SAME, FAR, GOOD, GOOD], 1.0, 300, None, None),  # the two signs came before step 300
        ([SAME, SAME, SAME, GOOD], 1.0, 400, 300, None),  # a false stop
        ([GOOD, GOOD, GOOD, SAME], 1.0, None, None, None),  # one look is no stop
        ([GOOD, GOOD, GOOD, GOOD], 0.0, None, None, 300),
        ([SAME, GOOD, SAME, SAME], 0.0, None, 400, None),
    ],
)
def test_the_recovery_study_counts_as_a_run_judges(looks, loss, recovered, collapse, stuck):
    signs = COUNT["signs_of"](history(*looks, loss=loss))
    assert [step for step, _ in signs] == [100, 200, 300, 400]
    assert COUNT["recovered_at"](signs) == recovered
    assert COUNT["stop_of"](signs, "collapsed") == collapse
    assert COUNT["stop_of"](signs, "not_converged") == stuck


def test_only_seeds_whose_start_had_collapsed_are_counted():
    runs = {
        "collapsed": {0: history(SAME, SAME), 1: history(SAME, GOOD), 2: history(FAR, FAR)},
        "adam": {0: history(SAME, GOOD), 1: history(GOOD, GOOD), 2: history(GOOD, (0.7, 0.3))},
    }
    *_, start, adam = COUNT["recoveries"](runs, "collapsed").splitlines()
    assert start == "| collapsed | 0 of 2 |  | 0.50 ± 0.57 | 0.25 ± 0.35 |"
    assert adam == "| adam | 2 of 2 | 150 | 0.80 ± 0.14 | 0.40 ± 0.14 |"


@pytest.mark.parametrize("name", ["same", "momentum_05", "adam"])
def test_a_setting_goes_on_with_the_networks_of_the_collapse(name):
    configs = [load_config(STUDY / "recovery" / f"{each}.yaml") for each in ("collapsed", name)]
    assert len({str([network.structure() for network in config.networks.values()]) for config in configs}) == 1
