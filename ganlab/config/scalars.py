"""Numbers in a config that change no shape and no operation of a step. Runs that differ in them alone can train together."""

from collections.abc import Mapping
from typing import Any

from ganlab.config.document import Keys
from ganlab.config.schema import Config

# Arguments that an update reads as plain numbers, by optimizer and by schedule.
_ADAM = ("beta_1", "beta_2", "epsilon", "weight_decay")
_READ = {
    "Adam": _ADAM,
    "AdamW": _ADAM,
    "RMSprop": ("rho", "epsilon", "weight_decay"),
    "SGD": ("weight_decay",),
    "ExponentialDecay": ("initial_learning_rate", "decay_rate"),
    "PolynomialDecay": ("initial_learning_rate", "end_learning_rate"),
    "InverseTimeDecay": ("initial_learning_rate", "decay_rate"),
}


def traced_scalars(config: Config) -> dict[Keys, float]:
    """Place -> number, for the numbers that become part of a compiled step."""
    found: dict[Keys, Any] = {("train", "ema"): config.train.ema}
    for name, penalty in getattr(config, "penalty", {}).items():
        found["penalty", name, "weight"] = penalty.weight
    found["clip_weights",] = getattr(config, "clip_weights", None)
    if vae := getattr(getattr(config, "objective", None), "vae", None):
        found["objective", "vae", "beta"] = vae.beta
    for network, written in config.networks.items():
        for keys, arguments in _parts(network, written.optimizer):
            found |= {(*keys, name): arguments.get(name) for name in _READ.get(keys[-1], ())}
    return {keys: value for keys, value in found.items() if _is_number(value)}


def scalars(config: Config) -> dict[Keys, Any]:
    """`traced_scalars`, and what a run keeps apart from the step: learning rates are variables, targets are drawn."""
    found: dict[Keys, Any] = dict(traced_scalars(config))
    for network, written in config.networks.items():
        ((keys, arguments), *_) = _parts(network, written.optimizer)
        if _is_number(rate := arguments.get("learning_rate")):
            found[*keys, "learning_rate"] = rate
    if hasattr(config, "loss"):
        found |= {("loss", name): getattr(config.loss, name) for name in ("real_label", "fake_label", "flip_labels")}
    return found


def with_scalars(config: Config, values: Mapping[Keys, Any]) -> Config:
    """A copy of the config with other values at these places. They are not checked, and may be tensors."""
    for keys, value in values.items():
        config = _replaced(config, keys, value)
    return config


def _parts(network: str, optimizer: dict[str, dict]) -> list[tuple[Keys, dict]]:
    """The arguments of an optimizer, and those of its schedule if it has one, with their places."""
    ((name, arguments),) = optimizer.items()
    parts = [((network, "optimizer", name), arguments)]
    if isinstance(schedule := arguments.get("learning_rate"), dict):
        ((kind, options),) = schedule.items()
        parts.append(((network, "optimizer", name, "learning_rate", kind), options))
    return parts


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _replaced(owner: Any, keys: Keys, value: Any) -> Any:
    key, *rest = keys
    if isinstance(owner, dict):
        return owner | {key: _replaced(owner[key], rest, value) if rest else value}
    return owner.model_copy(update={key: _replaced(getattr(owner, key), rest, value) if rest else value})
