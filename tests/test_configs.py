"""The configs that come with ganlab: all are right, and experiments 1 to 4 say what the thesis published."""

from pathlib import Path

import pytest
import yaml

from ganlab.config.loading import configs_at, load_config
from ganlab.flows.check import check_config

CONFIGS = configs_at(Path(__file__).parents[1] / "configs")

# Akel 2022, Tables 4.1 to 4.5, and the intervals at which its files were saved (500 for the dense networks, 200 for the others).
ADAM = {"Adam": {"learning_rate": 2e-4, "beta_1": 0.5}}
RMSPROP = {"RMSprop": {"learning_rate": 5e-5, "epsilon": 1e-14}}
DENSE = {
    "steps": 30_000,
    "latent": 100,
    "batch": 32,
    "optimizer": ADAM,
    "critic_steps": 1,
    "clip": None,
    "generator_kernels": [],
    "discriminator_kernels": [],
    "strides": set(),
    "dropout": [],
    "generator_momentum": {0.8},
    "discriminator_momentum": set(),
    "slope": {0.2},
    "save_every": 500,
}
CONVOLUTIONAL = DENSE | {
    "steps": 4_000,
    "generator_kernels": [3, 3, 3],
    "discriminator_kernels": [3, 3, 3, 3],
    "strides": {1, 2},
    "dropout": [0.25] * 4,
    "discriminator_momentum": {0.8},
    "save_every": 200,
}
PUBLISHED = {
    "exp01": DENSE | {"family": "GAN", "loss": "non_saturating", "alternate": True, "new_latents": True},
    "exp02": CONVOLUTIONAL | {"family": "DCGAN", "loss": "non_saturating", "alternate": True, "new_latents": False},
    "exp03": DENSE | {"family": "LSGAN", "loss": "least_squares", "alternate": True, "new_latents": False},
    "exp04": CONVOLUTIONAL
    | {"family": "WGAN", "loss": "wasserstein", "alternate": True, "new_latents": False}
    | {"optimizer": RMSPROP, "critic_steps": 5, "clip": 0.01, "generator_kernels": [4, 4, 4]},
}


def facts(config) -> dict:
    """What a config says of the things the thesis states."""
    generator, discriminator = config.generator.expanded(), config.discriminator.expanded()

    def arguments(layers, kind, key):
        return [layer.arguments.get(key) for layer in layers if layer.kind == kind]

    assert config.generator.optimizer == config.discriminator.optimizer
    assert config.output.samples_every == config.output.checkpoint_every
    return {
        "family": config.family,
        "steps": config.train.steps,
        "latent": config.latent.dim,
        "batch": config.train.batch_size,
        "optimizer": config.generator.optimizer,
        "loss": config.loss.name,
        "critic_steps": config.train.discriminator_steps,
        "clip": config.clip_weights,
        "alternate": config.train.discriminator_batches == "alternate",
        "new_latents": not config.train.share_latents,
        "generator_kernels": arguments(generator, "Conv2D", "kernel_size"),
        "discriminator_kernels": arguments(discriminator, "Conv2D", "kernel_size"),
        "strides": set(arguments(discriminator, "Conv2D", "strides")),
        "dropout": arguments(discriminator, "Dropout", "rate"),
        "generator_momentum": set(arguments(generator, "BatchNormalization", "momentum")),
        "discriminator_momentum": set(arguments(discriminator, "BatchNormalization", "momentum")),
        "slope": set(arguments(discriminator, "LeakyReLU", "negative_slope")),
        "save_every": config.output.checkpoint_every,
    }


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_is_right_and_named_after_its_file(path, monkeypatch, tmp_path):
    # Whatever part of CelebA somebody has prepared: the configs are right for the published data.
    monkeypatch.delenv("GANLAB_DATA", raising=False)
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path))
    check = check_config(path)
    assert check.config.name == path.stem
    classes = 10 if check.config.labels == "auxiliary" else 0  # of each shipped data set with labels
    assert check.layers["discriminator"][-1][2] == (1 + check.config.latent.codes + classes,)
    assert min(check.parameters.values()) > 0 and check.flops > 0


def test_there_is_a_quickstart_on_data_that_need_no_download():
    quickstart = next(path for path in CONFIGS if path.stem == "quickstart")
    check = check_config(quickstart)
    assert check.config.data.name == "digits" and check.notes == [] and check.disk < 20e6


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_experiment_says_what_was_published(name):
    path = next(path for path in CONFIGS if path.stem == name)
    config = load_config(path)
    assert facts(config) == PUBLISHED[name]
    assert config.data.name == "mnist" and config.generator.expanded()[-1].arguments.get("activation", "tanh") == "tanh"


@pytest.mark.parametrize("name", ["exp01", "exp03"])
def test_the_dense_networks_have_the_parameters_of_the_figures(name):
    check = check_config(next(path for path in CONFIGS if path.stem == name))
    assert check.parameters == {"generator": 1_493_520, "discriminator": 533_505}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_says_on_its_first_line_what_it_is(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ") and len(first) > 20
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_the_pattern_of_the_documentation_gives_the_twenty_experiments():
    found = configs_at(Path(__file__).parents[1] / "configs" / "exp*.yaml")
    assert [path.stem for path in found] == [f"exp{number:02}" for number in range(1, 21)]
