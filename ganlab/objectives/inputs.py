"""The inputs of networks in a step: latents or samples, their labels, the step and the share of new layers."""

from typing import TYPE_CHECKING, Any

from ganlab.config.fields import located
from ganlab.config.schema import Config, Latent
from ganlab.training import ops
from ganlab.training.stages import Compute, Draw, Values

if TYPE_CHECKING:
    from ganlab.models.building import Models
    from ganlab.models.network import Network

Tensor = Any


def latents_draw(config: Config, size: int) -> Draw:
    """Latents for `size` samples, as `latent` says."""
    low = -1.0 if config.latent.distribution == "uniform" else 0.0
    return Draw(config.latent.distribution, (size, config.latent.dim), low=low)


def codes_draw(config: Config, size: int) -> Draw:
    """InfoGAN's codes for `size` samples, as `latent` says."""
    return Draw("codes", (size, config.latent.codes), categorical=tuple(config.latent.categorical))


def without_codes(latent: Latent, objective: str) -> Latent:
    """Refuses codes, for a validator of a config whose objective, in words, has no loss for them."""
    for key in ("categorical", "continuous"):
        if getattr(latent, key):
            raise located(f"expected none with the objective {objective}", (key,))
    return latent


def inputs_of(network: "Network", values: Values, samples: Tensor, labels: Tensor | None = None) -> Tensor | Values:
    """A network's input: the samples (batch, ...) alone, or a mapping with all values that its layers take.

    `labels` are one-hot, shape (batch, classes). In `values`, `step` and `fade` are scalars.
    """
    if network.inputs == ("input",):
        return samples
    taken = {"input": samples}
    if "labels" in network.inputs:
        taken["labels"] = labels
    for name in {"step", "fade"} & set(network.inputs):
        taken[name] = ops.broadcast_to(values[name], (samples.shape[0], 1))
    return taken


def fading(models: "Models") -> tuple[Compute, ...]:
    """The stage that computes `fade`, the share of the new layers in a phase, if some network takes it."""
    if not any("fade" in network.inputs for network in models.networks.values()):
        return ()
    start, length = models.stretch.start, models.stretch.fade

    def share(values: Values) -> Values:
        return {"fade": ops.clip((values["step"] - start) / length, 0.0, 1.0) if length else ops.ones(())}

    return (Compute(share),)
