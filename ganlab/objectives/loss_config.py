"""The keys of a GAN's losses and penalties in a config: a name, or a name with its options."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
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
    Positive,
    PositiveOverSteps,
    Section,
    ShareOverSteps,
    located,
    nearest,
    one_of,
    together,
    whole,
)
from ganlab.config.layers import normalise_choice
from ganlab.errors import did_you_mean
from ganlab.training.class_losses import CLASS_LOSSES
from ganlab.training.losses import LOSSES
from ganlab.training.penalties import PENALTIES

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
Share = Annotated[float, Field(ge=0, le=1), Described("a number from 0 to 1")]
Fraction = Annotated[float, Field(gt=0, lt=1), Described("a number between 0 and 1 (both excluded)")]
Policy = list[one_of("flip", "translation", "color", "cutout")]
Weight = Annotated[float, Field(ge=0), Described("a number >= 0")]


class Choice(Section):
    """One row of a registry with its options: `name`, or `{name: {options}}`."""

    WHAT: ClassVar[str]  # the choice in words, for error messages
    ROWS: ClassVar[Mapping[str, Any]]  # the registry

    name: str

    @classmethod
    def options_of(cls, name: str) -> tuple[str, ...]:
        """The options of a row: fields of this class."""
        raise NotImplementedError

    @model_serializer
    def _as_written(self, info: SerializationInfo) -> Any:
        names = self.options_of(self.name)
        if not names:
            return self.name
        options = {key: getattr(self, key) for key in names}
        if info.exclude_defaults:
            options = {key: value for key, value in options.items() if value != type(self).model_fields[key].default}
        return {self.name: {key: _shortest(value) for key, value in options.items()}}

    @classmethod
    def read(cls, value: Any) -> "Choice":
        """The choice from its name or `{name: {options}}`; raises all mistakes together."""
        if isinstance(value, cls):
            return value
        rows = ", ".join(cls.ROWS)
        ((name, options),) = normalise_choice(value, f"one of {rows}").items()
        if name not in cls.ROWS:
            raise located(f"expected one of {rows}, received {shown(name)}{nearest(name, cls.ROWS)}")
        every = [key for key in cls.model_fields if key != "name"]
        mistakes, known = [], {}
        for key, option in options.items():
            if key in cls.options_of(name):
                known[key] = option
            elif key not in every:
                mistakes.append(located(f"unknown key.{did_you_mean(key, every)}", (name, key)))
            else:
                having = ", ".join(row for row in cls.ROWS if key in cls.options_of(row))
                noun = "labels; those with labels are" if key in _TARGETS else f"{key}; those with it are"
                mistakes.append(located(f"the {cls.WHAT} {name} has no {noun} {having}", (name, key)))
        if "layer" in cls.options_of(name) and "layer" not in options:
            mistakes.append(located(f"missing; expected {_LAYER}", (name, "layer")))
        try:
            choice = cls(name=name, **known)
        except ValidationError as error:
            details = error.errors(include_url=False)
            mistakes += [located(detail["ctx"]["message"], (name, detail["loc"][0])) for detail in details]
        if mistakes:
            raise together(mistakes)
        return choice


class Loss(Choice):
    """A loss with its options."""

    WHAT: ClassVar[str] = "loss"
    ROWS: ClassVar[Mapping[str, Any]] = LOSSES

    real_label: Range = (1.0, 1.0)  # lowest and highest target of real images; drawn between them, fixed if equal
    fake_label: Range = (0.0, 0.0)  # the same for generated images
    flip_labels: Share = 0.0  # share of targets exchanged
    layer: Annotated[str, Described(_LAYER)] = None  # the layer whose outputs feature_matching compares

    @classmethod
    def options_of(cls, name: str) -> tuple[str, ...]:
        row = LOSSES[name]
        return (*(_TARGETS if row.takes_targets else ()), *(["layer"] if row.reads_layer else []))


class ClassLoss(Choice):
    """A class loss with its options."""

    WHAT: ClassVar[str] = "class loss"
    ROWS: ClassVar[Mapping[str, Any]] = CLASS_LOSSES

    weight: Positive = 1.0  # factor in the losses of both networks
    fake_weight: Weight = 1.0  # further factor of generated images in the discriminator's loss
    temperature: Positive = 1.0  # divides similarities
    margin: Share = 0.98  # similarities above it attract no more, similarities below 1 - margin repel no more

    @classmethod
    def options_of(cls, name: str) -> tuple[str, ...]:
        return ("weight", *CLASS_LOSSES[name].options)


class CodeLoss(Section):
    """The factors of the losses of InfoGAN's codes, in the losses of both networks."""

    categorical: Positive = 1.0
    continuous: Positive = 0.1


def _shortest(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return value[0] if value[0] == value[1] else list(value)


class Lecam(Section):
    """The LeCam regularization; a weight of 0 leaves it out."""

    weight: Weight = 0.0
    decay: Fraction = 0.99  # of the averages of outputs


class Consistency(Section):
    """Consistency regularization; weights of 0 leave it out."""

    weight: Weight = 0.0  # for real images
    fake_weight: Weight = 0.0  # for generated images (balanced consistency)
    policy: Policy = Field(["flip", "translation"])

    @property
    def is_used(self) -> bool:
        return bool(self.weight or self.fake_weight)


class LatentConsistency(Section):
    """Consistency regularization of latents; weights of 0 leave it out."""

    weight: Weight = 0.0  # of the discriminator's term
    generator_weight: Weight = 0.0  # of the generator's term
    deviation: Positive = 0.05  # of the normal numbers that move the latents


class Adaptive(Section):
    """An augmentation whose probability follows the discriminator, or is given: ADA or APA."""

    method: one_of("none", "ada", "apa") = "none"
    target: Annotated[float, Field(ge=-1, le=1), Described("a number from -1 to 1")] = 0.6  # of E sign(D(real))
    images: whole(1) = 500_000  # real images in which the probability can move by 1
    interval: whole(1) = 4  # real batches between two changes of the probability
    policy: Policy = Field(["flip", "translation", "color"])  # of ada
    probability: ShareOverSteps = None  # in the place of one that follows the discriminator

    @model_validator(mode="after")
    def _a_probability_is_used(self) -> "Adaptive":
        if self.probability is not None and self.method == "none":
            raise located("expected only with the method ada or apa", ("probability",))
        return self


class Penalty(Section):
    """A penalty on the discriminator's gradient."""

    weight: PositiveOverSteps  # factor in the discriminator's loss
    every: whole(1) = 1  # applied in every so many steps, with as many times the weight (lazy regularization)


def read_penalties(value: Any) -> Any:
    """The mapping of penalties, with default weights; null means no penalty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        hint = f". Write {{{value}: {{}}}}." if isinstance(value, str) and value in PENALTIES else ""
        raise located(f"expected null or a mapping of {', '.join(PENALTIES)}, received {shown(value)}{hint}")
    if unknown := [name for name in value if name not in PENALTIES]:
        raise together([located(f"unknown key.{did_you_mean(name, PENALTIES)}", (name,)) for name in unknown])
    penalties = {}
    for name, options in value.items():
        if options is None or isinstance(options, dict):
            options = {"weight": PENALTIES[name].weight, **(options or {})}
        penalties[name] = options
    return penalties


def require_one_interval(penalties: dict[str, Penalty]) -> dict[str, Penalty]:
    """Refuses two different intervals: a step computes all lazy penalties together or none."""
    lazy = [(name, penalty.every) for name, penalty in penalties.items() if penalty.every > 1]
    for name, every in lazy[1:]:
        if every != lazy[0][1]:
            message = f"expected {lazy[0][1]}, as for {lazy[0][0]} (lazy penalties share it), received {every}"
            raise located(message, (name, "every"))
    return penalties
