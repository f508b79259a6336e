"""The config language: what a YAML file may say, with types, bounds, defaults and the rules between keys."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from ganlab.config.document import Document, Keys, dotted
from ganlab.config.fields import (
    MAX_INT,
    Described,
    Flag,
    FractionOrNull,
    Name,
    PositiveOrNull,
    Section,
    located,
    one_of,
    whole,
    whole_or_null,
)
from ganlab.config.network import LayerSpec, Network
from ganlab.config.objective import LOSSES, Loss, Penalty, read_loss, read_penalties, require_one_interval
from ganlab.errors import ConfigError

__all__ = ["Config", "Data", "Latent", "LayerSpec", "Loss", "Network", "Output", "Penalty", "Train"]


class Data(Section):
    """Which real data, how much of it, and in which form."""

    name: Name
    image_size: whole_or_null(1, 1024) = None
    limit: whole_or_null(1) = None
    range: one_of("tanh", "sigmoid") = "tanh"
    grayscale: Annotated[Literal["luminosity"] | None, Described("luminosity or null", ["luminosity"])] = None
    source: Annotated[
        Annotated[str, Field(min_length=1)] | None, Described("the path of a folder or zip file, or null")
    ] = None

    @model_validator(mode="after")
    def _source_needs_folder(self) -> "Data":
        if self.source is not None and self.name != "folder":
            raise located(f"expected only with 'name: folder', received with 'name: {self.name}'", ("source",))
        return self


class Latent(Section):
    """The generator's input: `dim` independent numbers from N(0, 1) or uniform on [-1, 1]."""

    dim: whole(1)
    distribution: one_of("normal", "uniform") = "normal"


class Train(Section):
    """How long and in which order the two networks are updated."""

    # null is for the written-out config, so the description does not offer it
    steps: Annotated[Annotated[int, Field(ge=1, le=MAX_INT)] | None, Described("an integer >= 1")] = None
    epochs: Annotated[Annotated[float, Field(gt=0)] | None, Described("a number > 0")] = None
    batch_size: whole(1)
    discriminator_steps: whole(1) = 1
    discriminator_batches: one_of("separate", "alternate", "joint") = "separate"
    generator_steps: whole(1) = 1
    generator_batch_size: whole_or_null(1) = None
    share_latents: Flag = False
    ema: FractionOrNull = None
    stop_on: list[one_of("diverged", "collapsed", "not_converged")] = Field(["diverged"])

    @model_validator(mode="after")
    def _rules_between_keys(self) -> "Train":
        if (self.steps is None) == (self.epochs is None):
            received = "neither" if self.steps is None else "both"
            raise located(f"expected exactly one of steps and epochs, received {received}")
        if self.share_latents and self.generator_steps != 1:
            raise located(
                f"expected 1 generator step with share_latents: true, received {self.generator_steps}",
                ("generator_steps",),
            )
        if self.share_latents and self.generator_batch_size not in (None, self.batch_size):
            raise located(
                f"expected {self.batch_size} (the batch_size) or null with share_latents: true,"
                f" received {self.generator_batch_size}",
                ("generator_batch_size",),
            )
        return self


class Output(Section):
    """What a run writes, and how often (in steps; null is never)."""

    samples_every: whole_or_null(1) = 500
    samples_at: list[whole(0)] = Field([])
    checkpoint_every: whole_or_null(1) = 500
    keep_checkpoints: Annotated[
        Literal["all"] | Annotated[int, Field(ge=1)], Described("all or an integer >= 1", ["all"])
    ] = 10
    metrics_every: whole_or_null(1) = None
    grid: Annotated[
        list[Annotated[int, Field(ge=1, le=50)]],
        Field(min_length=2, max_length=2),
        Described("[rows, columns], each from 1 to 50"),
    ] = Field([5, 5])


class Config(Section):
    """One GAN experiment."""

    name: Name
    family: Name = "GAN"
    seed: whole(0) = 0
    data: Data
    latent: Latent
    generator: Network
    discriminator: Network
    loss: Annotated[Loss, Described(f"one of {', '.join(LOSSES)}"), BeforeValidator(read_loss)]
    penalty: Annotated[dict[str, Penalty], BeforeValidator(read_penalties), AfterValidator(require_one_interval)] = (
        Field({})
    )
    clip_weights: PositiveOrNull = None
    train: Train
    output: Output = Output()
    metrics: Annotated[Literal["auto"] | list[str], Described("auto or a list of metric names", ["auto"])] = "auto"
    precision: one_of("float32", "mixed_bfloat16") = "float32"
    backend: one_of("tensorflow", "jax", "torch") = "tensorflow"
    device: one_of("auto", "cpu", "gpu") = "auto"
    devices: whole(1, 1024) = 1
    jit: Annotated[Literal["auto"] | bool, Described("auto, true or false", ["auto"])] = "auto"
    labels: one_of("none", "conditional", "balanced", "semi_supervised") = "none"

    _document: Document | None = PrivateAttr(None)

    def model_post_init(self, context: Any) -> None:
        self.generator._key = "generator"
        self.discriminator._key = "discriminator"

    @model_validator(mode="after")
    def _alternate_batches_stand_alone(self) -> "Config":
        if self.train.discriminator_batches == "alternate" and (self.penalty or self.loss.name == "relativistic"):
            reason = "a penalty" if self.penalty else "the loss relativistic"
            message = f"expected separate or joint with {reason}, received 'alternate'"
            raise located(message, ("train", "discriminator_batches"))
        return self

    @model_validator(mode="after")
    def _devices_share_batches_evenly(self) -> "Config":
        for key in ("batch_size", "generator_batch_size"):
            size = getattr(self.train, key)
            if size is not None and size % self.devices:
                raise located(f"expected a multiple of devices, {self.devices}, received {size}", ("train", key))
        return self

    def error_at(self, keys: Keys, message: str) -> ConfigError:
        """An error about the value at `keys`: `FILE:LINE:COLUMN: dotted.key: message`.

        Args:
            keys: e.g. `("generator", "layers", 3, "Conv2D", "filters")`; need not exist.
            message: what is wrong, what was expected and what was received, on one line.
        """
        return error_in(self._document, keys, message, self.name)

    def __eq__(self, other: object) -> bool:
        """Whether two configs say the same, whichever files they come from."""
        return isinstance(other, Config) and self.model_dump() == other.model_dump()

    __hash__ = None


def error_in(document: Document | None, keys: Keys, message: str, name: str = "config") -> ConfigError:
    """The error about `keys` of a document, or of a config that was made without one and is called `name`."""
    place = document.locate(keys) if document else name
    subject = f"{dotted(keys)}: " if keys else ""
    return ConfigError(" ".join(f"{place}: {subject}{message}".splitlines()))
