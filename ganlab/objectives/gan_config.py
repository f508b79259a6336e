"""The keys of a GAN in a config: two networks, a loss, penalties and the order of updates."""

from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializationInfo,
    ValidationError,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from ganlab.config.document import shown
from ganlab.config.fields import (
    Described,
    Flag,
    Positive,
    PositiveOrNull,
    Section,
    located,
    nearest,
    one_of,
    together,
    whole,
    whole_or_null,
)
from ganlab.config.layers import normalise_choice
from ganlab.config.network import Network
from ganlab.config.schema import Config, Ends, Form, Train
from ganlab.errors import did_you_mean
from ganlab.training.class_heads import HEADS
from ganlab.training.losses import LOSSES
from ganlab.training.penalties import PENALTIES
from ganlab.training.stages import Column, losses_first

_TARGETS = ("real_label", "fake_label", "flip_labels")
_LAYER = "the name of a layer of the discriminator"


def _as_range(value: Any) -> tuple[float, float]:
    ends = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(ends) != 2 or any(type(end) not in (int, float) for end in ends) or ends[0] > ends[1]:
        raise ValueError
    return ends


_ENDS = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
Range = Annotated[
    tuple[float, float],
    BeforeValidator(_as_range),
    Described("a number or [lowest, highest]"),
    WithJsonSchema({"anyOf": [{"type": "number"}, _ENDS]}),
]


class Loss(Section):
    """A loss with its options. `options_of` gives the options of each loss."""

    name: str
    real_label: Range = (1.0, 1.0)  # lowest and highest target of real images; drawn between them, fixed if equal
    fake_label: Range = (0.0, 0.0)  # the same for generated images
    flip_labels: Annotated[float, Field(ge=0, le=1), Described("a number from 0 to 1")] = (
        0.0  # share of targets exchanged
    )
    layer: Annotated[str, Described(_LAYER)] = None  # the layer whose outputs feature_matching compares

    @model_serializer
    def _as_written(self, info: SerializationInfo) -> Any:
        if not options_of(self.name):
            return self.name
        options = {key: getattr(self, key) for key in options_of(self.name)}
        if info.exclude_defaults:
            options = {key: value for key, value in options.items() if value != type(self).model_fields[key].default}
        return {self.name: {key: _shortest(value) for key, value in options.items()}}


def options_of(name: str) -> tuple[str, ...]:
    """The options of a loss."""
    row = LOSSES[name]
    return (*(_TARGETS if row.takes_targets else ()), *(["layer"] if row.reads_layer else []))


def _shortest(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return value[0] if value[0] == value[1] else list(value)


def read_loss(value: Any) -> Loss:
    """The loss from its name or `{name: {options}}`."""
    if isinstance(value, Loss):
        return value
    ((name, options),) = normalise_choice(value, f"one of {', '.join(LOSSES)}").items()
    if name not in LOSSES:
        raise located(f"expected one of {', '.join(LOSSES)}, received {shown(name)}{nearest(name, LOSSES)}")
    mistakes, known = [], {}
    for key, option in options.items():
        if key in options_of(name):
            known[key] = option
        elif key not in (*_TARGETS, "layer"):
            mistakes.append(located(f"unknown key.{did_you_mean(key, (*_TARGETS, 'layer'))}", (name, key)))
        else:
            having = ", ".join(loss for loss in LOSSES if key in options_of(loss))
            noun = "labels; those with labels are" if key in _TARGETS else f"{key}; those with it are"
            mistakes.append(located(f"the loss {name} has no {noun} {having}", (name, key)))
    if "layer" in options_of(name) and "layer" not in options:
        mistakes.append(located(f"missing; expected {_LAYER}", (name, "layer")))
    try:
        loss = Loss(name=name, **known)
    except ValidationError as error:
        details = error.errors(include_url=False)
        mistakes += [located(detail["ctx"]["message"], (name, detail["loc"][0])) for detail in details]
    if mistakes:
        raise together(mistakes)
    return loss


class Penalty(Section):
    """A penalty on the discriminator's gradient."""

    weight: Positive  # factor in the discriminator's loss
    every: whole(1) = 1  # applied in every so many steps, with as many times the weight (lazy regularization)


def _read_penalties(value: Any) -> Any:
    """The mapping of penalties, with default weights; null means no penalty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise located(f"expected null or a mapping of {', '.join(PENALTIES)}, received {shown(value)}")
    if unknown := [name for name in value if name not in PENALTIES]:
        raise together([located(f"unknown key.{did_you_mean(name, PENALTIES)}", (name,)) for name in unknown])
    penalties = {}
    for name, options in value.items():
        if options is None or isinstance(options, dict):
            options = {"weight": PENALTIES[name].weight, **(options or {})}
        penalties[name] = options
    return penalties


def _require_one_interval(penalties: dict[str, Penalty]) -> dict[str, Penalty]:
    """Refuses two different intervals: a step computes all lazy penalties together or none."""
    lazy = [(name, penalty.every) for name, penalty in penalties.items() if penalty.every > 1]
    for name, every in lazy[1:]:
        if every != lazy[0][1]:
            message = f"expected {lazy[0][1]}, as for {lazy[0][0]} (lazy penalties share it), received {every}"
            raise located(message, (name, "every"))
    return penalties


class GanTrain(Train):
    """The number and the order of updates of both networks."""

    discriminator_steps: whole(1) = 1
    discriminator_batches: one_of("separate", "alternate", "joint") = "separate"
    discriminator_statistics: one_of("batch", "moving") = "batch"
    generator_steps: whole(1) = 1
    generator_batch_size: whole_or_null(1) = None
    share_latents: Flag = False
    simultaneous: Flag = False

    @model_validator(mode="after")
    def _options_fit_together(self) -> "GanTrain":
        shared, both, size = "share_latents: true", "simultaneous: true", self.batch_size
        rules = (
            (self.share_latents, "generator_steps", (1,), f"1 generator step with {shared}"),
            (
                self.share_latents,
                "generator_batch_size",
                (None, size),
                f"{size} (the batch_size) or null with {shared}",
            ),
            (self.simultaneous, "discriminator_steps", (1,), f"1 with {both}"),
            (self.simultaneous, "generator_steps", (1,), f"1 with {both}"),
            (self.simultaneous, "discriminator_batches", ("separate", "joint"), f"separate or joint with {both}"),
        )
        for applies, key, allowed, words in rules:
            if applies and (received := getattr(self, key)) not in allowed:
                raise located(f"expected {words}, received {shown(received)}", (key,))
        return self


class GanConfig(Config):
    """One experiment with a generator against a discriminator."""

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    IS_CHAIN: ClassVar[bool] = True

    objective: one_of("gan") = "gan"
    generator: Network
    discriminator: Network
    loss: Annotated[Loss, Described(f"one of {', '.join(LOSSES)}"), BeforeValidator(read_loss)]
    penalty: Annotated[
        dict[str, Penalty], BeforeValidator(_read_penalties), AfterValidator(_require_one_interval), Field({})
    ]
    clip_weights: PositiveOrNull = None
    train: GanTrain

    @model_validator(mode="after")
    def _alternate_batches_stand_alone(self) -> "GanConfig":
        pair = LOSSES[self.loss.name].real is None
        if self.train.discriminator_batches == "alternate" and (self.penalty or pair):
            reason = "a penalty" if self.penalty else f"the loss {self.loss.name}"
            message = f"expected separate or joint with {reason}, received 'alternate'"
            raise located(message, ("train", "discriminator_batches"))
        return self

    def ends(self, form: Form | None) -> dict[str, Ends]:
        shape, classes = (form.shape, form.classes) if form else (None, None)
        shared = self.context(form)
        name, loss = self.loss.name, LOSSES[self.loss.name]
        if form and classes is None and (loss.reads_labels or self.labels not in ("none", "conditional")):
            key, reader = ("loss", f"the loss {name}") if loss.reads_labels else ("labels", self.labels)
            raise self.error_at((key,), f"{reader} reads labels, and {self.data.name} has none")
        outputs = loss.outputs(classes) if form else 1  # without data no discriminator is built
        if form and self.labels in HEADS:
            if outputs > 1:
                raise self.error_at(
                    ("labels",), f"expected none with the loss {name}, which has class outputs of its own"
                )
            outputs, name = classes + 1, f"labels: {self.labels}"
        what = "one number an image" if outputs == 1 else f"{outputs} numbers an image, as {name} needs"
        return {
            "generator": Ends({"input": (self.latent.dim,), **shared}, shape, f"the shape of {self.data.name}"),
            "discriminator": Ends({"input": shape, **shared}, (outputs,), what),
        }

    def columns(self) -> tuple[Column, ...]:
        measured = [*LOSSES[self.loss.name].columns(), *(["d_accuracy_class"] if self.labels in HEADS else [])]
        names = ("d_loss", "g_loss", *measured, *(["penalty"] if self.penalty else []))
        return losses_first(names, optional=["penalty"])

    def rows_a_step(self) -> int:
        """A batch for each discriminator step, and one for each generator step if its loss reads real images."""
        train = self.train
        rows = train.batch_size * train.discriminator_steps
        if LOSSES[self.loss.name].needs_real and not self.shares_latents:
            rows += (train.generator_batch_size or train.batch_size) * train.generator_steps
        return rows

    @property
    def shares_latents(self) -> bool:
        """Whether the generator's update uses the images of the last discriminator update."""
        return self.train.share_latents or self.train.simultaneous

    def hyperparameters(self) -> dict[str, Any]:
        penalties = ", ".join(f"{name}({penalty.weight:g})" for name, penalty in self.penalty.items())
        return {
            "discriminator_steps": self.train.discriminator_steps,
            "loss": self.loss.name,
            "clip_weights": self.clip_weights,
            "penalty": penalties or None,
        }
