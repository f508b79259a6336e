"""A variational autoencoder (Kingma and Welling 2014, arXiv 1312.6114): an encoder and a generator with one loss."""

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, field_validator

from ganlab.config.fields import Name, Positive, Section, located, one_of
from ganlab.config.layers import normalise_choice
from ganlab.config.network import Network
from ganlab.config.schema import Config, Ends, Form, Latent, value_range
from ganlab.objectives.averages import averaging
from ganlab.objectives.inputs import fading, inputs_of, without_codes
from ganlab.training import ops
from ganlab.training.stages import Column, Draw, Logs, Objective, Update, Values

if TYPE_CHECKING:
    from ganlab.models.building import Models

Tensor = Any


class VaeOptions(Section):
    """The options of the objective."""

    beta: Positive = 1.0  # weight of the KL divergence (Higgins et al. 2017); 1 is the evidence lower bound
    likelihood: one_of("bernoulli", "gaussian") = "bernoulli"  # of a value given the output; gaussian has variance 1


class VaeObjective(Section):
    """`objective: vae` or `objective: {vae: {options}}`. There is no default, so every identity names the objective."""

    vae: VaeOptions


def _read_objective(value: Any) -> Any:
    return value if isinstance(value, VaeObjective) else normalise_choice(value, "vae or {vae: {options}}")


class VaeConfig(Config):
    """One experiment with an encoder and a generator.

    The encoder ends in twice `latent.dim` numbers: the means of the latents, then the logarithms of their variances.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("encoder", "generator")

    family: Name = "VAE"
    objective: Annotated[VaeObjective, BeforeValidator(_read_objective)]
    encoder: Network
    generator: Network

    @field_validator("labels")
    @classmethod
    def _without_labels(cls, labels: str) -> str:
        if labels != "none":
            raise located(f"expected none with the objective vae, received '{labels}'")
        return labels

    @field_validator("latent")
    @classmethod
    def _without_codes(cls, latent: Latent) -> Latent:
        return without_codes(latent, "vae, which learns codes of its own")

    def ends(self, form: Form | None) -> dict[str, Ends]:
        shape, scalars = (form.shape if form else None), self.context(form)
        means_and_variances = "twice latent.dim, a mean and the logarithm of a variance for each latent"
        return {
            "encoder": Ends({"input": shape, **scalars}, (2 * self.latent.dim,), means_and_variances),
            "generator": Ends({"input": (self.latent.dim,), **scalars}, shape, f"the shape of {self.data.name}"),
        }

    def columns(self) -> tuple[Column, ...]:
        return tuple(map(Column, ("loss", "reconstruction", "kl")))

    def rows_a_step(self) -> int:
        return self.train.batch_size

    def hyperparameters(self) -> dict[str, Any]:
        return {"objective": "vae", **self.objective.vae.model_dump()}


def vae_objective(config: VaeConfig, models: "Models", input_gradient: Callable | None = None) -> Objective:
    """One update of both networks down the negative evidence lower bound, in nats a sample."""
    encoder, generator = models.networks["encoder"], models.networks["generator"]
    size, dim, options = config.train.batch_size, config.latent.dim, config.objective.vae
    low, high = value_range(config.data.range)

    def loss(values: Values, with_lazy: bool) -> tuple[Tensor, Logs]:
        real = values["real"]
        codes = ops.cast(encoder(inputs_of(encoder, values, real), training=True), "float32")
        means, log_variances = codes[:, :dim], codes[:, dim:]
        latents = means + ops.exp(0.5 * log_variances) * values["noise"]
        made = ops.cast(generator(inputs_of(generator, values, latents), training=True), "float32")
        if options.likelihood == "bernoulli":
            reconstruction = _bernoulli((real - low) / (high - low), (made - low) / (high - low))
        else:
            reconstruction = _gaussian(real, made)
        divergence = ops.mean(normal_divergence(means, log_variances))
        value = reconstruction + options.beta * divergence
        return value, {"loss": value, "reconstruction": reconstruction, "kl": divergence}

    update = Update(("encoder", "generator"), loss, size, after=averaging(config, models, "generator"))
    return Objective(
        models.networks,
        models.optimizers,
        (*fading(models), update),
        {"real": Draw("rows", (size,), mirror=config.data.flip is not None), "noise": Draw("normal", (size, dim))},
        config.columns(),
        models.averages,
        rebuild=lambda networks: vae_objective(config, dataclasses.replace(models, networks=networks)),
    )


def normal_divergence(means: Tensor, log_variances: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) of each sample, summed over the latents (appendix B of the paper)."""
    return 0.5 * ops.sum(ops.square(means) + ops.exp(log_variances) - 1.0 - log_variances, axis=1)


def _a_sample(values: Tensor) -> Tensor:
    return ops.mean(ops.sum(ops.reshape(values, (values.shape[0], -1)), axis=1))


def _bernoulli(real: Tensor, made: Tensor) -> Tensor:
    """Negative log-likelihood, in nats a sample, of values in [0, 1] under probabilities in [0, 1]."""
    made = ops.clip(made, 1e-6, 1.0 - 1e-6)  # the logarithm of a saturated sigmoid or tanh would be infinite
    return _a_sample(-real * ops.log(made) - (1.0 - real) * ops.log(1.0 - made))


def _gaussian(real: Tensor, made: Tensor) -> Tensor:
    """Negative log-likelihood, in nats a sample, under normal distributions of variance 1 around the generator's output."""
    return _a_sample(0.5 * ops.square(real - made) + 0.5 * math.log(2.0 * math.pi))
