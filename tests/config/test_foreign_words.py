# ruff: noqa: E501 (tables with one case a line)
"""Words of other programs: every hint names a word that exists here, and appears where the foreign word stands."""

import inspect
import re

import keras
import pytest

from ganlab.config.foreign_words import _WORDS, foreign_hint
from ganlab.config.reader import parse_yaml
from ganlab.data.registry import load_dataset
from ganlab.errors import GanlabError, did_you_mean
from ganlab.flows.check import check_networks
from ganlab.models.arguments import ACTIVATIONS, INITIALIZERS, OBJECTS
from ganlab.models.layers import LAYERS
from ganlab.models.single_layers import layer_names
from ganlab.objectives.gan_config import GanConfig, GanTrain
from ganlab.objectives.loss_config import Penalty
from ganlab.training.losses import LOSSES
from ganlab.training.penalties import PENALTIES
from tests.cli.experiments import CONFIG
from tests.config.examples import config_of


def arguments_of(*names):
    classes = (LAYERS.get(name) or getattr(keras.layers, name) for name in names)
    return {key for found in classes for key in inspect.signature(found.__init__).parameters} | {"trainable"}


# All places of a config in which a word is looked up.
PLACES = (
    set(layer_names()),
    arguments_of("Conv2D", "Dense", "LeakyReLU", "Dropout", "BatchNormalization", "UpSampling2D"),
    {*inspect.signature(keras.optimizers.Adam.__init__).parameters},
    set(INITIALIZERS),
    set(OBJECTS["learning_rate"][1]),
    set(ACTIVATIONS),
    set(LOSSES),
    set(PENALTIES),
    set(GanConfig.model_fields),
    set(GanTrain.model_fields),
    set(Penalty.model_fields),
)


@pytest.mark.parametrize("word", _WORDS)
def test_every_word_leads_to_one_of_this_language(word):
    assert any(foreign_hint(word, place) for place in PLACES)


@pytest.mark.parametrize("word", _WORDS)
def test_what_a_hint_says_to_write_is_read(word):
    for place in PLACES:
        for text in re.findall(r"Write (\{.*\})|(\w+: \{.*\})", foreign_hint(word, place)):
            assert parse_yaml("".join(text).replace("...", "filters: 1"), "x").data


@pytest.mark.parametrize("word", ["InstanceNorm2d", "instance_norm_2d", "xavier-uniform", "MSELoss", "Lambda_GP"])
def test_a_word_is_known_in_any_spelling(word):
    assert any(foreign_hint(word, place) for place in PLACES)


def test_a_foreign_word_means_nothing_in_another_place():
    for word in ("epochs", "dataset", "sequential", "p", "mse"):
        assert did_you_mean(word, {"exp01", "exp02"}, 0) == ""


def test_a_word_that_was_cut_short_means_those_that_begin_so():
    metrics = ["fd1k_classifier", "fd1k_random", "fid10k", "is1k_classifier"]
    assert did_you_mean("fd1k", metrics) == " Did you mean 'fd1k_classifier' or 'fd1k_random'?"
    assert did_you_mean("fid1k", metrics) == " Did you mean 'fid10k'?"
    assert did_you_mean("dens", ["dense", "dense_1", "dense_2"]) == " Did you mean 'dense'?"


# What is replaced in a config, by what, and a part of the message.
CASES = [
    ("learning_rate: 1.0e-3", "betas: [0.5, 0.9]", "Adam.betas: unknown key. Write beta_1: 0.5 and beta_2: 0.999."),
    ("learning_rate: 1.0e-3", "eps: 1.0e-3", "Adam.eps: unknown key. Did you mean 'epsilon'?"),
    ("learning_rate: 1.0e-3", "learning_rate: {StepLR: {}}", "'StepLR'. Did you mean 'PiecewiseConstantDecay'?"),
    ("units: 8", "units: 8, kernel_initializer: kaiming_normal", "'kaiming_normal'. Did you mean 'HeNormal'?"),
    ("units: 8", "units: 8, bias: false", "Dense.bias: unknown key. Did you mean 'use_bias'?"),
    ("units: 8", "units: 8, in_features: 64", "unknown key. Leave it out: a layer knows its inputs."),
    ("activation: tanh", "activation: lrelu", "unknown activation 'lrelu'. Did you mean 'leaky_relu'?"),
    ("- Dropout: {rate: 0.3}", "- InstanceNorm2d", "unknown layer. Write GroupNormalization: {groups: -1}."),
    ("- Dropout: {rate: 0.3}", "- LeakyReLU: {alpha: 0.2}", "LeakyReLU.alpha: unknown key. Did you mean 'negative_slope'?"),
    ("- Dropout: {rate: 0.3}", "- ResBlock: {filters: 3}", "unknown layer. Write {merge: Add, branches: {residual: "),
    ("- Dropout: {rate: 0.3}", "- Sequential: [Flatten]", "received ['Flatten']. Write the layers one after another"),
    ("- Flatten", "- Conv2D: {filters: 3, kernel_size: (4, 4)}", "Conv2D.4): unknown key. A list is written with brackets"),
    ("- Flatten", "- Conv2D:\n        filters: 3\n        kernel_size: (5, 5)", "kernel_size: received the text '(5, 5)'. A list is"),
    ("- Flatten", "- Conv2D: {filters: 3, kernel_size: 3, padding: 1}", "padding: expected a word, as valid (the default), received 1"),
    ("    - Dense: {units: 64,", "    - Conv2DTranspose: {filters: 3, kernel_size: 4}\n    - Dense: {units: 64,", "A Reshape before it makes"),
    ("    - Dense: {units: 64,", "    - AveragePooling2D: {pool_size: 2}\n    - Dense: {units: 64,", "A Reshape before it makes"),
    ("loss: non_saturating", "loss: wgan-gp", "Write wasserstein, and penalty: {wgan_gp: {weight: 10}}."),
    ("loss: non_saturating", "loss: BCEWithLogitsLoss", "Did you mean 'non_saturating'?"),
    ("loss: non_saturating", "loss: wasserstein\nclip_value: 0.01", "clip_value: unknown key. Did you mean 'clip_weights'?"),
    ("loss: non_saturating", "loss: hinge\nbatchsize: 3", "batchsize: unknown key. Write train: {batch_size: 64}."),
    ("loss: non_saturating", "loss: hinge\nbatch_size: 3", "batch_size: unknown key. Did you mean 'train.batch_size'?"),
    ("loss: non_saturating", "loss: hinge\nlearning_rate: 3", "unknown key. Did you mean 'generator.optimizer.Adam.learning_rate' or 'disc"),
    ("batch_size: 8", "batch_size: 8, grid: [2, 2]", "train.grid: unknown key. Did you mean 'output.grid'?"),
    ("seed: 3", "num_classes: 10", "unknown key. Leave it out: the data say how many classes there are; see labels."),
    ("discriminator:", "netD:", "netD: unknown key. Did you mean 'discriminator'?"),
    ("{target_shape: [8, 8, 1]}", "{target_shape: 8, 8, 1}", "received 8. A decimal number has a point, as 8.8, and a list has brackets, as [8, 8]."),
    ("{target_shape: [8, 8, 1]}", "{target_shape: (8, 8, 1)}", "expected a word as key, received 8. A list is written with brackets, as [8, 8]."),
    ("{target_shape: [8, 8, 1]}", "\n        target_shape: 8, 8, 1", "received the text '8, 8, 1'. A list is written with brackets, as [8, 8, 1]."),
    ("{learning_rate: 1.0e-3}", "{learning_rate: 0,001}", "expected a word as key, received 001. A decimal number has a point, as 0.001."),
    ("  optimizer: {Adam: {learning_rate: 1.0e-3}}", "  optimizer:\n    Adam:\n      learning_rate: 0,001", "A decimal number has a point, as 0.001."),
    ("{rate: 0.3}", "{rate:0.3}", "Write a space after the colon: 'rate: 0.3'."),
    ("Dropout: {rate: 0.3}", "LeakyReLU: 0.2", "received 0.2. Write LeakyReLU: {negative_slope: 0.2}."),
    ("{Adam: {learning_rate: 1.0e-3}}", "{Adam: 1.0e-3}", "received 0.001. Write Adam: {learning_rate: 0.001}."),
    ("{dim: 4}", "16", "latent: expected a mapping, received 16. Write {dim: 16}."),
    ("{name: digits}", "digits", "data: expected a mapping, received 'digits'. Write {name: digits}."),
    ("loss: non_saturating", "loss: hinge\npenalty: {r1: 10}", "penalty.r1: expected a mapping, received 10. Write {weight: 10}."),
    ("loss: non_saturating", "loss: hinge\npenalty: r1", "received 'r1'. Write {r1: {}}."),
    ("- Dropout: {rate: 0.3}", "- Input: {shape: [8]}", "unknown layer. Leave it out: the input comes from latent.dim or from the data."),
    ("- Dropout: {rate: 0.3}", "- nn.Linear(16, 128)", "Did you mean 'Dense'? Arguments are a mapping, as in Dense: {units: 128}."),
    ("- Dropout: {rate: 0.3}", "- keras.layers.Flatten()", "unknown layer. Did you mean 'Flatten'?"),
    ("batch_size: 8", "batch_size: [8, 16]", "[8, 16]. A run takes one value; a sweep trains each: ganlab sweep CONFIG -o train.batch_size=8,16"),
    ("seed: 3", "seed: [0, 1]", "a sweep trains each: ganlab sweep CONFIG --seeds 0,1"),
    ("learning_rate: 1.0e-3", "learning_rate: [1e-3, 2e-3]", "ganlab sweep CONFIG -o generator.optimizer.Adam.learning_rate=0.001,0.002"),
    ("loss: non_saturating", "loss: [hinge, minimax]", "a sweep trains each: ganlab sweep CONFIG -o loss=hinge,minimax"),
    ("batch_size: 8", "batch_size: 8, n_critic: 5", "train.n_critic: unknown key. Did you mean 'discriminator_steps'?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "part"), CASES, ids=[new.strip() for _, new, _ in CASES])
def test_a_foreign_word_in_a_config_gets_its_hint(old, new, part):
    assert old in CONFIG
    with pytest.raises(GanlabError) as caught:
        config = config_of(CONFIG.replace(old, new, 1))
        check_networks(config, load_dataset(config.data, config.error_at))
    assert part in str(caught.value) and "\n" not in str(caught.value)
