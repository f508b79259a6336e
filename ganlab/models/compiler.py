"""Compiles a config's list of layers into a network, and says which layer gave which shape when it does not fit."""

import inspect
import random
import re

import keras

from ganlab.config import network as config
from ganlab.errors import did_you_mean
from ganlab.models.arguments import ErrorAt, Keys, build_object, first_sentence, public_classes, single_entry
from ganlab.models.initial_weights import draw_on_host
from ganlab.models.layers import LAYERS
from ganlab.models.network import INPUT, Network, Node

# Layers that would run code from a config or a file, or that are not one layer in a row of layers.
_REFUSED = {
    "Lambda": "it runs code from the config",
    "TFSMLayer": "it loads code from a file",
    "TorchModuleWrapper": "it wraps code of another framework",
    "JaxLayer": "it wraps code of another framework",
    "FlaxLayer": "it wraps code of another framework",
    "InputLayer": "the input comes from latent.dim or from the data",
    **dict.fromkeys(("StringLookup", "IntegerLookup", "TextVectorization"), "it reads a vocabulary, also from a file"),
    **dict.fromkeys(("RNN", "StackedRNNCells"), "it needs a cell object"),
    **dict.fromkeys(
        ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"),
        "it needs several inputs, and a network is a list of layers",
    ),
}
_KERAS_LAYERS = {
    name: cls
    for name, cls in public_classes(keras.layers, keras.Layer).items()
    if name not in _REFUSED and name not in ("Wrapper", "Model")
}


def layer_names() -> list[str]:
    """The names that may stand in a config's list of layers: Keras' and ganlab's own."""
    return sorted({**_KERAS_LAYERS, **LAYERS})


def build_layer(kind: str, arguments: dict, keys: Keys, error_at: ErrorAt, name: str, precision: str) -> keras.Layer:
    """One Keras layer; `keys` is where its name stands in the config."""
    known = {**_KERAS_LAYERS, **LAYERS}
    if kind in _REFUSED:
        raise error_at((*keys, kind), f"the layer {kind} cannot be used: {_REFUSED[kind]}")
    if kind not in known:
        raise error_at((*keys, kind), f"unknown layer.{did_you_mean(kind, known)}")
    arguments = dict(arguments)
    own = {"name": arguments.pop("name", name), "dtype": keras.DTypePolicy(precision)}
    if isinstance(arguments.get("layer"), dict):  # a wrapper, such as SpectralNormalization
        inner_kind, inner, inner_keys = single_entry(arguments["layer"], (*keys, kind, "layer"), error_at, "a layer")
        arguments["layer"] = build_layer(
            inner_kind, inner, inner_keys[:-1], error_at, f"{own['name']}_layer", precision
        )
    if "seed" in inspect.signature(known[kind]).parameters and arguments.get("seed") is None:
        # As Keras would draw it; but on PyTorch, layers without a seed use a generator that no checkpoint keeps.
        own["seed"] = random.randint(1, 10**9)
        arguments.pop("seed", None)
    return draw_on_host(build_object(known[kind], arguments, (*keys, kind), error_at, "the layer", own))


def compile_network(
    network: config.Network, ends: dict[str, tuple[int, ...]], error_at: ErrorAt, name: str, precision: str = "float32"
) -> Network:
    """Compiles one network.

    Args:
        network: the config's list of layers.
        ends: name -> shape without the batch of what layers may take; `input` is what the first layer gets.
        error_at: makes a located error from keys and a message.
        name: of the network, also in its summary: generator or discriminator.
        precision: a Keras dtype policy; weights are float32 in either.

    Raises:
        ConfigError: for a layer that is unknown or does not fit what stands before it, with both shapes.
    """
    inputs = keras.Input(ends["input"], name=f"{name}_input")
    values = {INPUT: inputs}
    nodes: list[Node] = []
    counts: dict[str, int] = {}
    before = INPUT
    for spec in network.expanded():
        layer = build_layer(spec.kind, spec.arguments, spec.path, error_at, _numbered(spec.kind, counts), precision)
        if layer.name in {f"{name}_input", *values}:
            raise error_at((*spec.path, spec.kind, "name"), f"another layer of this network is named '{layer.name}'")
        node = Node(layer.name, layer, (before,))
        values[node.name] = _checked_call(node, values, (*spec.path, spec.kind), error_at)
        nodes.append(node)
        before = node.name
    try:
        model = keras.Model(inputs, values[before], name=name)
    except ValueError as error:  # a layer that only seemed to make something of its input
        raise error_at((name, "layers"), f"do not make a network: {first_sentence(error)}") from error
    return Network(name, (INPUT,), tuple(nodes), model)


def _checked_call(node: Node, values: dict, keys: Keys, error_at: ErrorAt) -> keras.KerasTensor:
    """Calls a new layer for the first time, which builds it."""
    before = tuple(values[node.takes[0]].shape[1:])
    try:
        output = node.call(values)
    except Exception as error:  # Keras and its backends raise many kinds for shapes that do not fit
        raise error_at(keys, f"does not fit its input of shape {before}: {first_sentence(error)}") from error
    if not isinstance(output, keras.KerasTensor):
        raise error_at(keys, f"gives {len(output)} outputs; expected a layer that gives one")
    if any(size is not None and size < 1 for size in output.shape[1:]):
        shape = tuple(output.shape[1:])
        raise error_at(keys, f"gives the shape {shape} from an input of shape {before}; nothing is left")
    return output


def check_output(
    network: Network, spec: config.Network, expected: tuple[int, ...], what: str, error_at: ErrorAt
) -> None:
    """Raises a located error unless the network ends in the `expected` shape (without the batch)."""
    shape = network.output_shape
    if shape == expected:
        return
    last = spec.expanded()[-1]
    shapes = ", ".join(f"{layer.name} {tuple(layer.output.shape[1:])}" for layer in network.layers[-4:])
    message = f"ends in the shape {shape}, expected {expected}: {what} (last layers: {shapes})"
    raise error_at((*last.path, last.kind), message)


def _numbered(kind: str, counts: dict[str, int]) -> str:
    """Keras' own way to name layers (dense, dense_1), but counted within one network so that names do not depend on history."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", kind).lower()
    number = counts.get(snake, 0)
    counts[snake] = number + 1
    return f"{snake}_{number}" if number else snake
