"""Steps on the backend of the test run beside the same steps in NumPy's float64: history and all variables.

The oracle reads a config as it stands in config.yaml, a state and the images. It imports nothing of ganlab.
"""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

from ganlab.config.loading import dump_config
from tests.oracle.cases import (
    CLASS_LOSSES,
    CRITIC,
    INFOGAN,
    NETWORKS,
    NORMALIZED,
    OPTIMIZERS,
    TANH,
    USUAL,
    config_of,
    covering,
    words,
)
from tests.oracle.evolutionary import Evolutionary
from tests.oracle.gan import Gan
from tests.oracle.vae import Vae
from tests.training.tiny import IMAGES, build, tiny_config

STEPS = 4  # 48 real samples where a step reads three batches: three epochs of the 20 images
LABELS = (np.arange(len(IMAGES)) * 7 % 3).astype(np.int32)
ORACLE = (
    "autodiff",
    "draws",
    "networks",
    "optimizers",
    "training",
    "balancing",
    "adaptive",
    "losses",
    "gan",
    "vae",
    "evolutionary",
)


@pytest.fixture
def uncompiled():
    """Steps as Python says, without the seconds of a compilation: test_parity.py compares compiled ones."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)
    else:  # PyTorch compiles nothing, and JAX takes longer without
        yield


def hold(config, steps: int = STEPS, images: np.ndarray = IMAGES) -> dict[str, np.ndarray]:
    """Trains both, fails where they differ, and returns the columns of the history.

    Seen: differences of 5e-5. A penalty and Adam make more of the rounding of float32 in every step.
    """
    labelled = config.labels != "none"
    tiny = build(config, images=images, labels=LABELS if labelled else None)
    if tiny.objective.begin:
        tiny.objective.begin({"images": images, "labels": LABELS})
    written = yaml.safe_load(dump_config(config))
    (objective,) = [written["objective"]] if isinstance(written["objective"], str) else written["objective"]
    kind = {"gan": Gan, "vae": Vae, "evolutionary": Evolutionary}[objective]
    oracle = kind(written, tiny.snapshot(), images, LABELS if labelled else None)
    found = dict(zip(tiny.objective.column_names, tiny.train(steps).T, strict=True))
    expected = [oracle.step(number) for number in range(steps)]
    assert found.keys() == expected[0].keys()
    for name, column in found.items():
        wanted = [row[name] for row in expected]
        np.testing.assert_allclose(column, wanted, rtol=5e-4, atol=5e-5, err_msg=name)
        np.testing.assert_allclose(column[0], wanted[0], rtol=1e-4, atol=1e-5, err_msg=name)
    state = oracle.state()
    assert state.keys() == tiny.snapshot().keys()
    for name, array in tiny.snapshot().items():
        np.testing.assert_allclose(array, state[name], rtol=1e-3, atol=3e-4, err_msg=name)
    return found


@pytest.mark.parametrize("case", covering(), ids=words)
def test_every_two_switches_together(case, uncompiled):
    hold(config_of(case))


def changed(**switches):
    return config_of(USUAL | switches)


@pytest.mark.parametrize("objective", ["gan", "vae"])
def test_a_random_half_of_the_real_images_is_mirrored(objective, uncompiled):
    """The GAN reads three batches a step, each with bits of its own."""
    small = {"Reshape": {"target_shape": [2, 4, 1]}}
    networks = {
        "generator": [{"Dense": {"units": 8, "activation": "sigmoid"}}, small],
        "encoder" if objective == "vae" else "discriminator": [
            "Flatten",
            {"Dense": {"units": 6 if objective == "vae" else 1}},
        ],
    }
    more = {"data": {"name": "digits", "flip": "horizontal", "range": "sigmoid"}}
    train = {} if objective == "vae" else {"discriminator_steps": 3}
    hold(tiny_config(objective, **networks, **more, train=train), images=IMAGES.reshape(-1, 2, 4, 1))


class TestAlternateBatches:
    """The real batch moves the discriminator before the generated batch is judged."""

    @pytest.mark.parametrize("turns", ["one turn", "three turns", "two turns, shared", "two generator turns"])
    @pytest.mark.parametrize("loss", ["wasserstein", "hinge", "least_squares"])
    def test_with_clipping_after_both_updates(self, loss, turns, uncompiled):
        hold(changed(batches="alternate", loss=loss, turns=turns, clip=0.05, optimizer="RMSprop"))


@pytest.mark.parametrize(
    "switches",
    [{}, {"batches": "joint"}, {"penalty": "lazy r1", "loss": "hinge"}, {"turns": "two turns, shared"}],
    ids=str,
)
def test_minibatch_discrimination_compares_the_samples_of_one_pass(switches, uncompiled):
    layers = [{"Dense": TANH}, {"MinibatchDiscrimination": {"kernels": 3, "dimensions": 2}}, {"Dense": {"units": 1}}]
    networks = {"discriminator": layers}
    hold(config_of(USUAL | switches, networks))


@pytest.mark.parametrize("networks", CLASS_LOSSES)
@pytest.mark.parametrize(
    "switches",
    [
        {"batches": "alternate", "loss": "hinge", "turns": "two generator turns"},
        {"batches": "joint", "loss": "relativistic", "penalty": "wgan_gp", "turns": "shared"},
        {"turns": "simultaneous", "penalty": "r2 and lazy wgan_gp", "optimizer": "RMSprop"},
    ],
    ids=str,
)
def test_a_class_loss_is_added_to_the_losses_of_both_networks(networks, switches, uncompiled):
    hold(config_of(USUAL | switches, CLASS_LOSSES[networks]))


@pytest.mark.parametrize(
    "switches",
    [
        {"batches": "alternate", "loss": "hinge", "turns": "two generator turns", "distribution": "uniform"},
        {"batches": "joint", "loss": "relativistic", "penalty": "wgan_gp", "turns": "shared"},
        {"turns": "simultaneous", "penalty": "r2 and lazy wgan_gp", "optimizer": "RMSprop"},
        {"turns": "three turns", "loss": "feature_matching"},
    ],
    ids=str,
)
def test_codes_are_told_from_generated_images(switches, uncompiled):
    hold(config_of(USUAL | switches, INFOGAN))


@pytest.mark.parametrize(
    "switches",
    [
        {"turns": "three turns", "loss": "hinge"},
        {"batches": "joint", "turns": "shared", "penalty": "lazy r1", "networks": "batch normalization"},
        {"turns": "simultaneous", "loss": "least_squares", "networks": "labels", "optimizer": "RMSprop"},
    ],
    ids=str,
)
def test_lecam_draws_outputs_to_the_averages_of_the_other_side(switches, uncompiled):
    hold(config_of(USUAL | switches, lecam={"weight": 0.3, "decay": 0.2}))


@pytest.mark.parametrize(
    "switches",
    [
        {"turns": "three turns", "loss": "hinge", "penalty": "wgan_gp"},
        {"batches": "joint", "turns": "shared", "networks": "labels"},
        {"turns": "simultaneous", "loss": "relativistic", "optimizer": "RMSprop"},
    ],
    ids=str,
)
def test_generated_images_take_the_place_of_real_ones_with_apa(switches, uncompiled):
    options = {"method": "apa", "target": -0.9, "images": 25, "interval": 2}
    found = hold(config_of(USUAL | switches, adaptive=options), steps=6)
    assert found["adaptive_probability"].max() > 0.2


@pytest.mark.parametrize(
    "switches",
    [
        {"networks": "batch normalization"},
        {"turns": "three turns", "penalty": "wgan_gp"},
        {"batches": "joint", "turns": "shared", "networks": "labels"},
        {"turns": "simultaneous", "loss": "least_squares", "ema": 0.9},
        {"turns": "two generator turns", "networks": "auxiliary"},
    ],
    ids=str,
)
def test_images_of_near_latents_are_judged_alike_and_drawn_apart(switches, uncompiled):
    config = config_of(USUAL | switches, latent_consistency={"weight": 2.0, "generator_weight": 0.5, "deviation": 0.2})
    found = hold(config)
    assert found["latent_consistency"].min() > 0.0 and found["latent_distance"].min() > 0.0


class TestWhichImages:
    @pytest.mark.parametrize("loss", ["relativistic", "feature_matching"])
    @pytest.mark.parametrize("turns", ["two turns, shared", "three turns", "two generator turns", "simultaneous"])
    def test_a_loss_of_pairs_compares(self, loss, turns, uncompiled):
        hold(changed(loss=loss, turns=turns, networks="batch normalization"))


@pytest.mark.parametrize("penalty", ["wgan_gp", "dragan", "lazy r1", "r2 and lazy wgan_gp"])
def test_each_turn_of_the_discriminator_draws_numbers_of_its_own(penalty, uncompiled):
    targets = {"loss": "non_saturating", "targets": "flipped"}
    hold(changed(turns="three turns", penalty=penalty, networks="labels", **targets))


class TestAccuracyOnTheBorder:
    """An output on the threshold counts as generated: right for a generated image, wrong for a real one."""

    @pytest.mark.parametrize(
        ("loss", "output", "expected"),
        [
            ("non_saturating", 0.0, (0, 1)),
            ("non_saturating", 1e-6, (1, 0)),
            ("minimax", 0.0, (0, 1)),
            ("hinge", 0.0, (0, 1)),
            ("hinge", 1e-6, (1, 0)),
            ("hinge", -1e-6, (0, 1)),
            ("least_squares", 0.5, (0, 1)),
            ("least_squares", 0.500001, (1, 0)),
            ("least_squares", 0.499999, (0, 1)),
        ],
    )
    def test(self, loss, output, expected, uncompiled):
        constant = {"units": 1, "kernel_initializer": "zeros", "bias_initializer": {"Constant": {"value": output}}}
        found = hold(tiny_config(discriminator=[{"Dense": constant}], loss=loss, optimizer=OPTIMIZERS["SGD"]), steps=1)
        assert (found["d_accuracy_real"][0], found["d_accuracy_fake"][0]) == expected


SCHEDULES = {
    "ExponentialDecay": {"initial_learning_rate": 0.01, "decay_steps": 3, "decay_rate": 0.5, "staircase": True},
    "PolynomialDecay": {"initial_learning_rate": 0.01, "decay_steps": 5, "end_learning_rate": 0.0, "power": 2.0},
    "InverseTimeDecay": {"initial_learning_rate": 0.01, "decay_steps": 2, "decay_rate": 0.5},
    "CosineDecay": {"initial_learning_rate": 0.01, "decay_steps": 6, "alpha": 0.1},
    "PiecewiseConstantDecay": {"boundaries": [1, 4], "values": [0.01, 0.03, 0.001]},
}


class TestOptimizers:
    @pytest.mark.parametrize("schedule", SCHEDULES)
    def test_a_schedule_counts_the_updates_of_its_own_network(self, schedule, uncompiled):
        optimizer = {"Adam": {"learning_rate": {schedule: SCHEDULES[schedule]}}}
        hold(tiny_config(optimizer=optimizer, train={"discriminator_steps": 2}))

    @pytest.mark.parametrize(
        "optimizer",
        [
            {"Adam": {"learning_rate": 0.01, "beta_1": 0.0, "beta_2": 0.9, "epsilon": 0.01}},
            {"RMSprop": {"learning_rate": 0.005, "rho": 0.8, "momentum": 0.5, "centered": True, "epsilon": 0.01}},
            {"SGD": {"learning_rate": 0.05, "momentum": 0.9}},
            {"Adam": {}},
        ],
        ids=str,
    )
    def test_arguments_of_optimizers(self, optimizer, uncompiled):
        hold(tiny_config(optimizer=optimizer))


def test_other_numbers_follow_a_schedule(uncompiled):
    rising, falling = (
        {"PolynomialDecay": {"initial_learning_rate": first, "decay_steps": 3, "end_learning_rate": last}}
        for first, last in ((0.2, 0.8), (0.9, 0.5))
    )
    config = tiny_config(
        optimizer={"Adam": {"learning_rate": 0.01, "beta_2": falling}},
        penalty={"r1": {"weight": rising, "every": 2}},
        adaptive={"method": "apa", "probability": rising},
        train={"ema": falling, "discriminator_steps": 2},
    )
    probabilities = hold(config)["adaptive_probability"]
    np.testing.assert_allclose(probabilities, [0.2, 0.4, 0.6, 0.8], atol=1e-6)


COMPILED = {
    "alternate, shared, clipped": {"batches": "alternate", "turns": "two turns, shared", "clip": 0.05},
    "lazy penalty, averages": {"penalty": "lazy r1", "ema": 0.9, "networks": "batch normalization"},
    "simultaneous, joint": {"turns": "simultaneous", "batches": "joint", "optimizer": "RMSprop"},
    "labels, gradient penalty": {
        "networks": "labels",
        "penalty": "wgan_gp",
        "loss": "wasserstein",
        "optimizer": "decay",
    },
}


class TestCompiled:
    @pytest.mark.parametrize("name", COMPILED)
    def test_steps_are_the_same(self, name):
        hold(changed(**COMPILED[name]))


@pytest.mark.parametrize(
    "options", [{"likelihood": "gaussian", "beta": 0.5}, {"likelihood": "bernoulli", "beta": 2.0}], ids=str
)
@pytest.mark.parametrize("value_range", ["tanh", "sigmoid"])
def test_a_variational_autoencoder(options, value_range, uncompiled):
    hold(
        tiny_config(
            objective={"vae": options},
            data={"name": "digits", "range": value_range},
            encoder=[*CRITIC[:-1], {"Dense": {"units": 6}}],
            generator=[
                {"Dense": {"units": 5, "use_bias": False}},
                *NORMALIZED,
                {"Dense": {"units": 8, "activation": value_range}},
            ],
            train={"ema": 0.9},
        )
    )


GENERATIONS = {
    "one batch": {"optimizer": OPTIMIZERS["Adam"]},
    "two turns, other sizes, averages": {
        "optimizer": OPTIMIZERS["decay"],
        "train": {"discriminator_steps": 2, "generator_batch_size": 6, "ema": 0.9},
    },
    "alternate batches, smoothed targets": {
        "optimizer": OPTIMIZERS["RMSprop"],
        "loss": {"minimax": {"real_label": 0.9}},
        "train": {"discriminator_batches": "alternate"},
    },
    "joint batches, gradient penalty": {
        "optimizer": OPTIMIZERS["momentum"],
        "penalty": {"r1": {}},
        "train": {"discriminator_batches": "joint"},
    },
}


@pytest.mark.parametrize("networks", ["batch normalization", "labels"])
@pytest.mark.parametrize("name", GENERATIONS)
def test_generations_of_an_evolutionary_gan(name, networks, uncompiled):
    objective = {"evolutionary": {"diversity_weight": 0.3}}
    found = hold(tiny_config(objective, **{"loss": "minimax"} | NETWORKS[networks] | GENERATIONS[name]), steps=6)
    assert len(set(found["mutation"])) > 1


def test_regularizers_are_part_of_the_gradient_and_not_of_the_history(uncompiled):
    dense = {"kernel_regularizer": {"L2": {"l2": 0.1}}}
    layers = {name: [{"Dense": {"units": units, **dense}}] for name, units in (("generator", 8), ("discriminator", 1))}
    for train in ({}, {"share_latents": True}, {"discriminator_batches": "alternate"}):
        hold(tiny_config(**layers, optimizer=OPTIMIZERS["SGD"], train=train))


@pytest.mark.parametrize("name", ORACLE)
def test_the_oracle_imports_nothing_of_ganlab_and_no_framework(name):
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text())
    found = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    allowed = ("numpy", "math", "hashlib", "collections", "typing", "tests.oracle")
    assert found and all(module.startswith(allowed) for module in found)
