"""The loss and the penalties of a config. What they compute stands in ganlab.training."""

import math
from typing import Annotated, Any

from pydantic import Field, SerializationInfo, model_serializer

from ganlab.config.document import Keys, shown
from ganlab.config.fields import Positive, Section, located, one_of, whole
from ganlab.config.network import normalise_choice
from ganlab.errors import did_you_mean

LABELLED_LOSSES = ("minimax", "non_saturating", "least_squares")
LOSSES = (*LABELLED_LOSSES, "wasserstein", "hinge", "relativistic")
PENALTY_WEIGHTS = {"wgan_gp": 10.0, "r1": 1.0, "r2": 1.0, "dragan": 10.0}

Range = Annotated[tuple[float, float], Field(strict=False)]


class Loss(Section):
    """A loss with its labels; the labels have a meaning for the losses in LABELLED_LOSSES only.

    Attributes:
        name: the loss.
        real_label: lowest and highest label of real images; drawn between them, a fixed label if equal.
        fake_label: the same for generated images.
        flip_labels: the share of labels that are exchanged.
    """

    name: one_of(*LOSSES)
    real_label: Range = (1.0, 1.0)
    fake_label: Range = (0.0, 0.0)
    flip_labels: float = 0.0

    @model_serializer
    def _as_written(self, info: SerializationInfo) -> Any:
        if self.name not in LABELLED_LOSSES:
            return self.name
        labels = {key: getattr(self, key) for key in ("real_label", "fake_label", "flip_labels")}
        if info.exclude_defaults:
            labels = {key: value for key, value in labels.items() if value != type(self).model_fields[key].default}
        return {self.name: {key: _shortest(value) for key, value in labels.items()}}


def _shortest(value: float | tuple[float, float]) -> float | list[float]:
    if isinstance(value, float):
        return value
    return value[0] if value[0] == value[1] else list(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _read_range(value: Any, keys: Keys) -> tuple[float, float]:
    ends = value if isinstance(value, list) else [value, value]
    if len(ends) != 2 or not all(map(_is_number, ends)) or ends[0] > ends[1]:
        raise located(f"expected a number or [lowest, highest], received {shown(value)}", keys)
    return float(ends[0]), float(ends[1])


def _read_share(value: Any, keys: Keys) -> float:
    if not _is_number(value) or not 0 <= value <= 1:
        raise located(f"expected a number from 0 to 1, received {shown(value)}", keys)
    return float(value)


_LABELS = {"real_label": _read_range, "fake_label": _read_range, "flip_labels": _read_share}


def read_loss(value: Any) -> Loss:
    """The loss from its name or `{name: {labels}}`."""
    if isinstance(value, Loss):
        return value
    ((name, labels),) = normalise_choice(value, f"one of {', '.join(LOSSES)}").items()
    if name not in LOSSES:
        nearest = did_you_mean(name, LOSSES, list_all_up_to=0)
        raise located(f"expected one of {', '.join(LOSSES)}, received {shown(name)}{nearest and '.'}{nearest}")
    for key in labels:
        if key not in _LABELS:
            raise located(f"unknown key.{did_you_mean(key, _LABELS)}", (name, key))
        if name not in LABELLED_LOSSES:
            message = f"the loss {name} has no labels; those with labels are {', '.join(LABELLED_LOSSES)}"
            raise located(message, (name, key))
    return Loss(name=name, **{key: _LABELS[key](label, (name, key)) for key, label in labels.items()})


class Penalty(Section):
    """A penalty on the discriminator's gradient.

    Attributes:
        weight: its factor in the discriminator's loss.
        every: applied in every so many steps, with as many times the weight (lazy regularization).
    """

    weight: Positive
    every: whole(1) = 1


def read_penalties(value: Any) -> Any:
    """The mapping of penalties with default weights filled in; null is none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise located(f"expected null or a mapping of {', '.join(PENALTY_WEIGHTS)}, received {shown(value)}")
    penalties = {}
    for name, options in value.items():
        if name not in PENALTY_WEIGHTS:
            raise located(f"unknown key.{did_you_mean(name, PENALTY_WEIGHTS)}", (name,))
        if options is None or isinstance(options, dict):
            options = {"weight": PENALTY_WEIGHTS[name], **(options or {})}
        penalties[name] = options
    return penalties


def require_one_interval(penalties: dict[str, Penalty]) -> dict[str, Penalty]:
    """Refuses two different intervals: one step of training computes all lazy penalties together."""
    lazy = [(name, penalty.every) for name, penalty in penalties.items() if penalty.every > 1]
    for name, every in lazy[1:]:
        if every != lazy[0][1]:
            first, shared = lazy[0]
            message = f"expected {shared}, as for {first} (lazy penalties share it), received {every}"
            raise located(message, (name, "every"))
    return penalties
