"""The Keras models and optimizers of one config."""

import hashlib
import random
from dataclasses import dataclass

import keras

from ganlab.config.schema import Config
from ganlab.models.compiler import check_output, compile_network
from ganlab.models.network import Network
from ganlab.models.optimizers import build_optimizer


@dataclass(frozen=True)
class Gan:
    """Everything trainable of one run.

    Attributes:
        networks: "generator" and "discriminator".
        optimizers: one for each network, built on its weights.
        average: a copy of the generator for the moving average of its weights, or None.
    """

    networks: dict[str, Network]
    optimizers: dict[str, keras.Optimizer]
    average: Network | None

    @property
    def sampled(self) -> Network:
        """The generator that pictures and metrics come from."""
        return self.average or self.networks["generator"]

    def stacked(self) -> keras.Model:
        """Generator and discriminator in a row, for the summary."""
        generator, discriminator = self.networks["generator"], self.networks["discriminator"]
        latents = keras.Input(generator.shapes["input"], name="latents")
        return keras.Model(latents, discriminator.model(generator.model(latents)), name="gan")


def build_generator(config: Config, data_shape: tuple[int, ...] | None = None) -> Network:
    """The generator, with weights drawn from the config's seed: (batch, latent_dim) to (batch, *data_shape).

    Without a data shape it may end in any: a run folder's generator is rebuilt where its data are not at hand.

    Raises: ConfigError, located, for a layer that is wrong or does not fit.
    """
    _seed(config.seed, "generator")
    model = compile_network(config.generator, (config.latent.dim,), config.error_at, "generator", config.precision)
    if data_shape is not None:
        check_output(model, config.generator, data_shape, f"the shape of {config.data.name}", config.error_at)
    return model


def build_gan(config: Config, data_shape: tuple[int, ...]) -> Gan:
    """Both networks and their optimizers; raises as `build_generator` does."""
    generator = build_generator(config, data_shape)
    average = build_generator(config, data_shape) if config.train.ema else None  # the same seed: the same weights
    _seed(config.seed, "discriminator")
    discriminator = compile_network(
        config.discriminator, data_shape, config.error_at, "discriminator", config.precision
    )
    check_output(discriminator, config.discriminator, (1,), "one number an image", config.error_at)
    networks = {"generator": generator, "discriminator": discriminator}
    optimizers = {}
    for name, model in networks.items():
        optimizers[name] = build_optimizer(getattr(config, name), name, config.error_at)
        # Built here: state that appears within the first step would not be restored from a checkpoint.
        optimizers[name].build(model.trainable_variables)
    return Gan(networks, optimizers, average)


def _seed(seed: int, purpose: str) -> None:
    # Each network has a seed of its own, so that a change of one leaves the other's first weights as they were.
    digest = hashlib.sha256(f"{seed}/weights/{purpose}".encode()).digest()
    # Keras takes the seeds of initializers and random layers from here; its set_random_seed would load TensorFlow as well.
    random.seed(int.from_bytes(digest[:4], "little"))
