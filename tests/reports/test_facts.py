from pathlib import Path

import pytest

from ganlab.config.loading import build_config, load_config
from ganlab.config.reader import parse_yaml
from ganlab.reports.facts import Fact, facts_of, same
from ganlab.reports.published import read_publications

ROOT = Path(__file__).parents[2]
# The columns of a real study, and those that its networks do not need.
(STUDY,) = [paper for paper in read_publications(ROOT / "experiments") if paper.name == "akel2022"]
COLUMNS = STUDY.layout.compare | {
    "generator_conv_strides": Fact(key="generator.layers.Conv2D.strides", words={"1": ""}),
    "generator_dropout": Fact(key="generator.layers.Dropout.rate"),
}

CONFIG = """\
name: x
family: DCGAN
data: {{name: mnist}}
latent: {{dim: 100}}
generator:
  layers: [{generator}]
  optimizer: {{RMSprop: {{learning_rate: 5e-5}}}}
discriminator:
  layers: [{discriminator}]
  optimizer: Adam
loss: {loss}
train: {{steps: 10, batch_size: 8}}
"""


def config_of(generator="Dense: {units: 1}", discriminator="Dense: {units: 1}", loss="non_saturating"):
    text = CONFIG.format(
        generator=", ".join(f"{{{layer}}}" if ":" in layer else layer for layer in generator.split(" > ")),
        discriminator=", ".join(f"{{{layer}}}" if ":" in layer else layer for layer in discriminator.split(" > ")),
        loss=loss,
    )
    return build_config(parse_yaml(text, "x.yaml"))


def facts(**networks):
    return facts_of(config_of(**networks), COLUMNS)


@pytest.mark.parametrize(
    ("network", "column", "expected"),
    [
        ("Dense: {units: 2, activation: relu} > Dense: {units: 1}", "activation", "relu"),
        ("Dense: {units: 2} > LeakyReLU: {negative_slope: 0.2} > Dense: {units: 1}", "activation", "leaky_relu"),
        ("Dense: {units: 2} > LeakyReLU: {negative_slope: 0.2} > Dense: {units: 1}", "alpha", "0.2"),
        ("Dense: {units: 2} > ReLU > Dense: {units: 2} > ELU > Dense: {units: 1}", "activation", "relu, elu"),
        ("Dense: {units: 2} > BatchNormalization: {momentum: 0.8} > Dense: {units: 1}", "batch_norm_momentum", "0.8"),
        ("UpSampling2D > Conv2D: {filters: 1, kernel_size: 4}", "up_sampling_2d", "yes"),
        ("Conv2D: {filters: 1, kernel_size: [3, 5]} > Flatten", "conv_kernel_size", "3x5"),
        (
            "Conv2D: {filters: 1, kernel_size: 3, strides: 2} > Conv2D: {filters: 1, kernel_size: 3}",
            "conv_strides",
            "2",
        ),
        ("Dropout: {rate: 0.25} > Dropout: {rate: 0.4} > Dense: {units: 1}", "dropout", "0.25, 0.4"),
        ("Dense: {units: 2, activation: relu} > Dense: {units: 1, activation: tanh}", "last_activation", "tanh"),
        ("Dense: {units: 1} > Activation: {activation: tanh} > Flatten", "last_activation", "tanh"),
        ("Dense: {units: 1, activation: linear}", "last_activation", ""),
    ],
)
def test_layers_become_the_words_of_a_table(network, column, expected):
    assert facts(generator=network)[f"generator_{column}"] == expected


@pytest.mark.parametrize(
    ("loss", "words", "last"),
    [
        ("non_saturating", "binary_crossentropy", "sigmoid"),
        ("minimax", "binary_crossentropy", "sigmoid"),
        ("least_squares", "mse", ""),
        ("wasserstein", "wasserstein_loss", ""),
        ("hinge", "hinge", ""),
    ],
)
def test_the_sigmoid_of_a_cross_entropy_is_in_the_loss(loss, words, last):
    found = facts(loss=loss)
    assert (found["gan_loss"], found["discriminator_loss"]) == (words, words)
    assert (found["discriminator_last_activation"], found["generator_last_activation"]) == (last, "")


def test_optimizers_are_told_with_what_the_config_says_of_them():
    found = facts()
    assert (found["gan_optimizer"], found["gan_learning_rate"], found["gan_beta_1"]) == ("RMSprop", "0.00005", "")
    assert (found["discriminator_optimizer"], found["discriminator_learning_rate"]) == ("Adam", "")


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ({"key": "seed"}, "0"),
        ({"key": "clip_weights"}, ""),
        ({"key": "penalty"}, "wgan_gp, r1"),
        ({"key": "penalty.*.weight"}, "10.0, 1.0"),
        ({"key": "loss.*.real_label"}, "0.9"),
        ({"key": "generator.optimizer.*.learning_rate"}, "CosineDecay"),
        ({"key": "generator.optimizer.*.learning_rate.*.decay_steps"}, "100"),
        ({"key": "output.grid"}, "5x5"),
        ({"key": "jit", "words": {"auto": "measured"}}, "measured"),
        ({"key": "generator.layers.Dense.units"}, "2, 3, 1"),
        ({"key": "generator.layers.Dense.units", "words": {"3": "three", "*": ""}}, "three"),
        ({"key": "generator.layers.Dropout.rate", "otherwise": {"key": "seed"}}, "0"),
        ({"has": "generator.layers.Dense"}, "yes"),
        ({"has": "generator.last.*", "words": {"yes": "x"}}, "x"),
        # Another objective's networks have other names.
        ({"key": "encoder.layers.Dense.units"}, ""),
        ({"has": "encoder.layers.Dense"}, ""),
        ({"key": "encoder.optimizer"}, ""),
    ],
)
def test_a_path_leads_to_any_value(fact, expected):
    text = CONFIG.replace(
        "{{RMSprop: {{learning_rate: 5e-5}}}}", "{{Adam: {{learning_rate: {{CosineDecay: {{decay_steps: 100}}}}}}}}"
    )
    layers = "{repeat: 2, layers: [Dense: {units: 2}, Dense: {units: 3}]}, Dense: {units: 1}"
    text = text.format(generator=layers, discriminator="Flatten", loss="{least_squares: {real_label: 0.9}}")
    config = build_config(parse_yaml(text + "penalty: {wgan_gp: {}, r1: {}}\n", "x.yaml"))
    assert facts_of(config, {"column": Fact.model_validate(fact)}) == {"column": expected}


def test_the_example_of_the_documentation_says_what_a_config_says():
    block = (ROOT / "docs" / "report.md").read_text().partition("\n    compare:\n")[2].partition("\n\n")[0]
    columns = {name: Fact.model_validate(fact) for name, fact in parse_yaml(block, "docs/report.md").data.items()}
    assert facts_of(load_config(ROOT / "configs" / "exp10.yaml"), columns) == {
        "batch_size": "64",
        "learning_rate": "0.00005",
        "kernel_size": "3",
        "batch_norm": "yes",
        "loss": "wasserstein_loss",
    }


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("5e-05", "0.00005", True), ("MNIST", "mnist", True), ("", "0", False), ("3", "4", False), ("", "", True)],
)
def test_numbers_and_words_are_the_same_however_they_are_written(first, second, expected):
    assert same(first, second) is expected


def test_an_objective_with_other_networks_has_paths_of_its_own():
    text = """\
name: x
objective: {vae: {beta: 4.0}}
data: {name: digits}
latent: {dim: 2}
encoder: {layers: [Flatten, Dense: {units: 16, activation: relu}, Dense: {units: 4}], optimizer: Adam}
generator: {layers: [Dense: {units: 64}, Reshape: {target_shape: [8, 8, 1]}], optimizer: Adam}
train: {steps: 10, batch_size: 8}
"""
    paths = {
        "encoder.hidden.Dense.units": "16",
        "encoder.last.Dense.units": "4",
        "encoder.optimizer": "Adam",
        "objective": "vae",
        "objective.*.beta": "4.0",
        "loss": "",
        "discriminator.layers.Dense.units": "",
    }
    config = build_config(parse_yaml(text, "x.yaml"))
    assert facts_of(config, {path: Fact.model_validate(path) for path in paths}) == paths


def test_layers_in_branches_are_found():
    branches = "{merge: Add, branches: {residual: [Dense: {units: 8}, ReLU], shortcut: [Dense: {units: 9}]}}"
    config = config_of(generator=f"Dense: {{units: 2}} > {branches[1:-1]} > Dense: {{units: 1, activation: tanh}}")
    paths = {
        "generator.layers.Dense.units": "2, 8, 9, 1",
        "generator.hidden.Dense.units": "2, 8, 9",
        "generator.hidden.*.activation": "relu",
        "generator.last.*.activation": "tanh",
    }
    assert facts_of(config, {path: Fact.model_validate(path) for path in paths}) == paths
    assert facts_of(config, {"has": Fact(has="generator.layers.Add")}) == {"has": "yes"}
