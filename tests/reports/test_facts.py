import pytest

from ganlab.config.loading import build_config
from ganlab.config.reader import parse_yaml
from ganlab.reports.facts import facts_of, same

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


def facts(generator="Dense: {units: 1}", discriminator="Dense: {units: 1}", loss="non_saturating"):
    text = CONFIG.format(
        generator=", ".join(f"{{{layer}}}" if ":" in layer else layer for layer in generator.split(" > ")),
        discriminator=", ".join(f"{{{layer}}}" if ":" in layer else layer for layer in discriminator.split(" > ")),
        loss=loss,
    )
    return facts_of(build_config(parse_yaml(text, "x.yaml")))


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
    ("first", "second", "expected"),
    [("5e-05", "0.00005", True), ("MNIST", "mnist", True), ("", "0", False), ("3", "4", False), ("", "", True)],
)
def test_numbers_and_words_are_the_same_however_they_are_written(first, second, expected):
    assert same(first, second) is expected
