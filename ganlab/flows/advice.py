"""Warnings and notes about a config that is valid, and probably not what its author wants."""

import math
from collections.abc import Iterator
from typing import Any

from ganlab.config.network import LayerSpec, Network
from ganlab.config.schema import Config, Form, value_range
from ganlab.metrics.names import AUTO_FROM, NAMES
from ganlab.training.losses import LOSSES, MEAN_PROBABILITY

# Activation -> the lowest and the highest value. Others have no upper bound.
_RANGES = {
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "softmax"), (0.0, 1.0)),
    **dict.fromkeys(("tanh", "hard_tanh", "softsign"), (-1.0, 1.0)),
}
_ACTIVATION_LAYERS = ("ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax")
_MOST_EPSILON = 1e-10  # of RMSprop beside clipped weights
_FOR_FEW = ("fd500_random", "fd200_random")  # metrics that need fewer images than those of `auto`
# Layers that change no value.
_NEUTRAL = ("Cropping2D", "Dropout", "Flatten", "Identity", "OutputNoise", "Permute", "Reshape", "UpSampling2D")


def warnings_of(config: Config, form: Form) -> Iterator[str]:
    """One line for each warning.

    Args:
        config: the experiment.
        form: of its data.
    """
    networks = config.networks
    if config.phases:
        networks = {name: network.in_phase(len(config.phases)) for name, network in networks.items()}
    loss = getattr(config, "loss", None)
    if loss and not _compares_outputs(loss.name) and _activation(networks["discriminator"]) == "sigmoid":
        yield f"the discriminator ends in a sigmoid, but the loss {loss.name} works on logits: leave the sigmoid out"
    if loss and loss.name == "wasserstein" and not _is_bounded(config):
        yield "the loss wasserstein bounds no slope of the critic: it needs clip_weights, a penalty or SpectralNormalization"
    yield from _rmsprop_warnings(config)
    if loss and _has_a_fixed_mean(networks["discriminator"]):
        cure = "leave it out, or put an activation behind it"
        yield f"the discriminator's last layer follows a BatchNormalization: each batch has the same mean output; {cure}"
    if form.is_image and (activation := _activation(networks["generator"])):
        yield from _range_warnings(activation, config.data.range)
    for name, network in networks.items():
        momenta = [spec.arguments.get("momentum") for spec in network.expanded() if spec.kind == "BatchNormalization"]
        for momentum in [value for value in momenta if isinstance(value, int | float) and value < 0.5][:1]:
            other = f"momentum {momentum:g} of PyTorch is {1 - momentum:g} here"
            yield f"{name}: BatchNormalization with momentum {momentum:g} keeps little of its averages; {other}"


def _is_bounded(config: Config) -> bool:
    """Whether something keeps the weights or the slope of the discriminator small."""
    specs = config.networks["discriminator"].expanded()
    arguments = [key for spec in specs for key in (spec.arguments or {})]
    constrained = any(spec.kind == "SpectralNormalization" for spec in specs) or any(
        "constraint" in a for a in arguments
    )
    return bool(config.clip_weights or config.penalty or constrained)


def _rmsprop_warnings(config: Config) -> Iterator[str]:
    """One line for each network that a critic with clipped weights gives too small gradients for Keras' RMSprop."""
    for name, network in config.networks.items() if getattr(config, "clip_weights", None) else ():
        arguments = network.optimizer.get("RMSprop")
        epsilon = None if arguments is None else arguments.get("epsilon", 1e-7)  # Keras' default
        if isinstance(epsilon, int | float) and epsilon > _MOST_EPSILON:
            small = f"gradients below {math.sqrt(epsilon):.0e} hardly move a weight, for epsilon {epsilon:g} is under the root"
            yield f"{name}: RMSprop beside clip_weights: {small}; write epsilon: 1e-14"


def _has_a_fixed_mean(network: Network) -> bool:
    """Whether one last unit takes the outputs of a batch normalization, whose mean is the same for each batch.

    Several outputs, of classes, can still differ in their spread.
    """
    layers = [item for item in network.nested() if getattr(item, "kind", None) not in ("Dropout", "Identity")]
    kinds = [getattr(item, "kind", None) for item in layers[-2:]]  # a merging layer has none
    return kinds == ["BatchNormalization", "Dense"] and layers[-1].arguments.get("units") == 1


def note_of_metrics(config: Config, form: Form, count: int) -> str | None:
    """A line about `metrics: auto` if it measures nothing because the data have too few images.

    Args:
        config: the experiment.
        form: of its data.
        count: the number of training images.
    """
    if config.metrics != "auto" or not form.is_image or count >= AUTO_FROM:
        return None
    fitting = [name for name in _FOR_FEW if NAMES[name].count <= count]
    advice = f"metrics: [{fitting[0]}] fits" if fitting else f"metrics need at least {NAMES[_FOR_FEW[-1]].count}"
    return f"metrics: auto measures nothing on {count} images, fewer than {AUTO_FROM:,}; {advice}"


def _compares_outputs(loss: str) -> bool:
    """Whether a loss compares the outputs themselves with targets, as least_squares does."""
    return LOSSES[loss].takes_targets and MEAN_PROBABILITY not in LOSSES[loss].measures


def _range_warnings(activation: str, data_range: str) -> Iterator[str]:
    low, high = value_range(data_range)
    least, most = _RANGES.get(activation, (-math.inf, math.inf))
    ending = "ends without an activation" if activation == "linear" else f"ends in {activation}"
    if least < low or most > high:
        clipped = f"pictures and metrics clip its values to {low:g} to {high:g}"
        yield f"the generator {ending}, and data.range is {data_range}: {clipped}; a last {data_range} fits"
    elif (least, most) != (low, high):
        reach = f"gives {least:g} to {most:g}, and the data are {low:g} to {high:g}"
        yield f"the generator {ending}, which {reach}; data: {{range: sigmoid}} fits"


def _inner(layer: Any) -> tuple[str, dict]:
    """Name and arguments of a wrapped layer; `('', {})` for what is no layer, which `build_layer` refuses."""
    name, arguments = next(iter(layer.items())) if isinstance(layer, dict) and len(layer) == 1 else (layer, None)
    return name if isinstance(name, str) else "", arguments if isinstance(arguments, dict) else {}


def _activation(network: Network) -> str | None:
    """The activation of a network's output, `linear` for none; None if the last layers do not say it."""
    for item in reversed(network.nested()):
        if not isinstance(item, LayerSpec):
            return None  # a merging layer
        kind, arguments = item.kind, item.arguments
        if kind in ("SpectralNormalization", "EqualizedLearningRate"):
            kind, arguments = _inner(arguments.get("layer"))
        if kind in _ACTIVATION_LAYERS:
            return kind.lower()
        if kind == "Activation" or kind.startswith(("Dense", "Conv", "SeparableConv")):
            activation = arguments.get("activation") or "linear"
            return activation if isinstance(activation, str) else None
        if kind not in _NEUTRAL:
            return None
    return None
