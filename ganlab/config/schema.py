"""The keys that the configs of all objectives share: types, bounds, defaults and rules between keys.

The keys of one objective stand beside its stages; the keys of a GAN stand in ganlab/objectives/gan_config.py.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, model_validator

from ganlab.config.document import Document, Keys, error_in
from ganlab.config.fields import DecayOverSteps, Name, Section, Track, described, located, one_of, whole, whole_or_null
from ganlab.config.network import Network
from ganlab.errors import ConfigError, did_you_mean
from ganlab.training.stages import Column


@dataclass(frozen=True)
class Form:
    """The shape and the classes of the data, which networks need."""

    shape: tuple[int, ...] | None  # of one sample: (H, W, C), or (2,) for points; None without data
    classes: int | None = None  # the number of labels; None for data without labels

    @property
    def is_image(self) -> bool:
        return self.shape is not None and len(self.shape) == 3


@dataclass(frozen=True)
class Ends:
    """The shapes of a network's inputs and output, without the batch."""

    inputs: dict[str, tuple[int, ...]]  # by name, all that its layers may take; the first layer gets `input`
    output: tuple[int, ...] | None  # None without data
    what: str  # the output in words, for an error message


class Data(Section):
    """The real data: which, how much and in which form."""

    name: Name
    image_size: whole_or_null(1, 1024) = None
    limit: whole_or_null(1) = None
    split: one_of("train", "all") = "train"
    range: one_of("tanh", "sigmoid") = "tanh"
    grayscale: described(Literal["luminosity"] | None, "luminosity or null", "luminosity") = None
    flip: described(Literal["horizontal"] | None, "horizontal or null", "horizontal") = None
    source: described(Annotated[str, Field(min_length=1)] | None, "the path of a folder or zip file, or null") = None
    classes: described(Literal["folders"] | None, "folders or null", "folders") = None
    labelled: whole_or_null(1) = None

    @model_validator(mode="after")
    def _some_keys_are_for_folders(self) -> "Data":
        for key in ("source", "classes"):
            if getattr(self, key) is not None and self.name != "folder":
                raise located(f"expected only with 'name: folder', received with 'name: {self.name}'", (key,))
        if self.name == "folder" and self.split == "all":
            raise located("expected train with 'name: folder', which has no test part, received all", ("split",))
        return self


def value_range(name: str) -> tuple[float, float]:
    """(low, high) of a config's data.range: the values in memory of 0 and 255 on disk."""
    return {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}[name]


class Latent(Section):
    """The generator's input: `dim` independent numbers from N(0, 1) or uniform on [-1, 1], then InfoGAN's codes."""

    dim: whole(1)
    distribution: one_of("normal", "uniform") = "normal"
    categorical: list[whole(2)] = Field([])  # the number of values of each categorical code
    continuous: whole(0) = 0  # how many continuous codes there are

    @property
    def codes(self) -> int:
        """How many numbers the codes have: a one-hot vector for each categorical code, then the continuous codes."""
        return sum(self.categorical) + self.continuous

    @property
    def size(self) -> int:
        """How many numbers the generator takes for one sample."""
        return self.dim + self.codes


class Train(Section):
    """The length of the training and its batches."""

    steps: described(whole(1) | None, "an integer >= 1") = None  # null only in files that ganlab writes
    epochs: described(Annotated[float, Field(gt=0)] | None, "a number > 0") = None
    batch_size: whole(1)
    ema: DecayOverSteps = None
    stop_on: list[one_of("diverged", "collapsed", "not_converged")] = Field(["diverged"])


class Phase(Section):
    """A part of a run whose networks grow."""

    image_size: whole_or_null(1, 1024) = None
    steps: whole(1)
    fade: whole(0) = 0


_Grid = Annotated[list[Annotated[int, Field(ge=1, le=50)]], Field(min_length=2, max_length=2)]


class Output(Section):
    """The files that a run writes, and how often: in steps, null for never."""

    samples_every: whole_or_null(1) = 500
    samples_at: list[whole(0)] = Field([])
    samples_at_epochs: list[described(Annotated[float, Field(gt=0)], "a number > 0")] = Field([])
    checkpoint_every: whole_or_null(1) = 500
    keep_checkpoints: described(Literal["all"] | Annotated[int, Field(ge=1)], "all or an integer >= 1", "all") = 10
    metrics_every: whole_or_null(1) = None
    grid: described(_Grid, "[rows, columns], each from 1 to 50") = Field([5, 5])
    histograms: list[Name] = Field([])


class Config(Section):
    """One experiment. Each objective has a subclass with a field for each of its networks and with keys of its own."""

    # In the order in which networks are built, summarised and drawn. Every objective has a `generator`: it makes the pictures.
    NETWORKS: ClassVar[tuple[str, ...]] = ()
    IS_CHAIN: ClassVar[bool] = False  # whether each network takes the output of the one before

    name: Name
    family: Name = "GAN"
    seed: whole(0) = 0
    data: Data
    latent: Latent
    train: Train
    phases: list[Phase] = Field([])
    output: Output = Output()
    metrics: described(Literal["auto"] | list[str], "auto or a list of metric names", "auto") = "auto"
    precision: one_of("float32", "mixed_bfloat16") = "float32"
    backend: one_of("tensorflow", "jax", "torch") = "tensorflow"
    device: one_of("auto", "cpu", "gpu") = "auto"
    devices: whole(1, 1024) = 1
    jit: described(Literal["auto"] | bool, "auto, true or false", "auto") = "auto"
    track: Track = "none"
    common: Any = Field(None, exclude=True)  # holds parts for YAML aliases
    labels: one_of("none", "conditional", "auxiliary", "balanced", "semi_supervised") = "none"

    _document: Document | None = PrivateAttr(None)

    def model_post_init(self, context: Any) -> None:
        for name, network in self.networks.items():
            network._key = name

    @property
    def networks(self) -> dict[str, Network]:
        """The networks by name, in the order of NETWORKS."""
        return {name: getattr(self, name) for name in self.NETWORKS}

    @property
    def reads_labels(self) -> bool:
        """Whether the training reads the labels of real samples."""
        return self.labels != "none"

    def context(self, form: Form | None) -> dict[str, tuple[int, ...]]:
        """More inputs for the layers of any network: name -> shape without the batch."""
        fade = {"fade": (1,)} if self.phases else {}
        # No layer may read labels that `semi_supervised` hides.
        has_labels = self.labels not in ("none", "semi_supervised") and form is not None and form.classes
        return {"step": (1,), **fade, **({"labels": (form.classes,)} if has_labels else {})}

    def ends(self, form: Form | None) -> dict[str, Ends]:
        """The shapes of each network's inputs and output, for data of a form, or without data."""
        raise NotImplementedError

    def columns(self) -> tuple[Column, ...]:
        """The columns of the history between `step` and the columns of health checks."""
        raise NotImplementedError

    def rows_a_step(self) -> int:
        """How many real samples one step draws."""
        raise NotImplementedError

    def hyperparameters(self) -> dict[str, Any]:
        """The objective's values for tables: a flat mapping; None for a value that does not apply."""
        raise NotImplementedError

    def watched(self) -> list[tuple[str, str]]:
        """(network, layer) for each layer that `output.histograms` names. Layers of two networks may have one name."""
        wanted = dict.fromkeys(self.output.histograms)
        names = {name: {spec.name for spec in network.expanded()} for name, network in self.networks.items() if wanted}
        return [(network, layer) for layer in wanted for network in names if layer in names[network]]

    @staticmethod
    def saturation_column(network: str, layer: str) -> str:
        """The column of the history with the share of saturated units of a watched layer."""
        return f"saturated_{network}_{layer}"

    @model_validator(mode="after")
    def _histograms_show_layers_that_there_are(self) -> "Config":
        known = {layer for _, layer in self.watched()}
        for index, layer in enumerate(self.output.histograms):
            if layer not in known:
                names = {spec.name for network in self.networks.values() for spec in network.expanded()}
                message = f"no layer of a network has the name '{layer}'.{did_you_mean(layer, names)}"
                raise located(message, ("output", "histograms", index))
        return self

    @model_validator(mode="after")
    def _length_is_said_once(self) -> "Config":
        said = [key for key in ("steps", "epochs") if getattr(self.train, key) is not None]
        if self.phases and said:
            raise located("expected none beside phases, which say their own steps", ("train", said[0]))
        if not self.phases and len(said) != 1:
            received = "both" if said else "neither"
            raise located(f"expected exactly one of steps and epochs, received {received}", ("train",))
        for index, phase in enumerate(self.phases):
            if phase.fade > phase.steps:
                message = f"expected at most {phase.steps} (the phase's steps), received {phase.fade}"
                raise located(message, ("phases", index, "fade"))
        return self

    @model_validator(mode="after")
    def _some_labels_are_for_semi_supervised_training(self) -> "Config":
        if self.data.labelled is not None and self.labels != "semi_supervised":
            message = f"expected only with 'labels: semi_supervised', received with 'labels: {self.labels}'"
            raise located(message, ("data", "labelled"))
        return self

    @model_validator(mode="after")
    def _devices_share_batches_evenly(self) -> "Config":
        if self.devices > 1 and self.backend != "jax":
            raise located(
                f"expected 1 with the backend {self.backend}, received {self.devices}; Keras distributes on jax only",
                ("devices",),
            )
        for key in ("batch_size", "generator_batch_size"):
            size = getattr(self.train, key, None)
            if size is not None and size % self.devices:
                raise located(f"expected a multiple of devices, {self.devices}, received {size}", ("train", key))
        return self

    def error_at(self, keys: Keys, message: str) -> ConfigError:
        """The error `FILE:LINE:COLUMN: dotted.key: message`. A key at `keys` need not exist."""
        return error_in(self._document, keys, message, self.name)

    def __eq__(self, other: object) -> bool:
        """Two configs are equal if all keys are equal. Their files do not matter."""
        return isinstance(other, Config) and self.model_dump() == other.model_dump()

    __hash__ = None
