"""Builds one layer from its name and arguments: Keras' layers and ganlab's own."""

import inspect
import random

import keras

from ganlab.config.layers import MERGES, REFUSED_LAYERS
from ganlab.errors import did_you_mean
from ganlab.models.arguments import ErrorAt, Keys, build_object, public_classes, single_entry
from ganlab.models.initial_weights import draw_on_host
from ganlab.models.layers import LAYERS

_KNOWN = {
    name: cls
    for name, cls in {**public_classes(keras.layers, keras.Layer), **LAYERS}.items()
    if name not in REFUSED_LAYERS and name not in ("Wrapper", "Model")
}


def layer_names() -> list[str]:
    """The names of layers in a config's list: Keras' and ganlab's own, without merging layers."""
    return sorted(set(_KNOWN) - set(MERGES))


def build_layer(kind: str, arguments: dict, keys: Keys, error_at: ErrorAt, name: str, precision: str) -> keras.Layer:
    """One Keras layer.

    Args:
        kind: the name of its class. A merging layer stands at a key `merge`.
        arguments: the config's arguments. A wrapped layer is a mapping.
        keys: the place of its name in the config.
        error_at: makes a located error from keys and a message.
        name: the layer's name, unless the arguments name it.
        precision: a Keras dtype policy.

    Raises:
        ConfigError: for an unknown layer or argument, and for a layer that cannot be used here.
    """
    if kind in REFUSED_LAYERS:
        raise error_at((*keys, kind), f"the layer {kind} cannot be used: {REFUSED_LAYERS[kind]}")
    if kind in MERGES and keys[-1:] != ("merge",):
        form = f"{{merge: {kind}, branches: {{NAME: [layers], NAME: [layers]}}}}"
        raise error_at((*keys, kind), f"the layer {kind} merges several inputs; expected {form}")
    if kind not in _KNOWN:
        raise error_at((*keys, kind), f"unknown layer.{did_you_mean(kind, layer_names())}")
    if keys[-1:] == ("layer",) and any(hasattr(_KNOWN[kind], wish) for wish in ("takes", "instead")):
        raise error_at((*keys, kind), f"the layer {kind} cannot be wrapped: it takes more than its wrapper has")
    arguments = dict(arguments)
    own = {"name": arguments.pop("name", name), "dtype": keras.DTypePolicy(precision)}
    if isinstance(arguments.get("layer"), dict):  # a wrapper, such as SpectralNormalization
        inner_kind, inner, inner_keys = single_entry(arguments["layer"], (*keys, kind, "layer"), error_at, "a layer")
        arguments["layer"] = build_layer(
            inner_kind, inner, inner_keys[:-1], error_at, f"{own['name']}_layer", precision
        )
    if "seed" in inspect.signature(_KNOWN[kind]).parameters and arguments.get("seed") is None:
        # Keras would draw the same seed. But on PyTorch, layers without a seed use a generator that no checkpoint keeps.
        own["seed"] = random.randint(1, 10**9)
        arguments.pop("seed", None)
    return draw_on_host(build_object(_KNOWN[kind], arguments, (*keys, kind), error_at, "the layer", own))
