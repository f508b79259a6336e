"""The layers, optimizers and other objects of Keras as JSON Schema: each name with its arguments."""

from collections.abc import Mapping
from typing import Any

from ganlab.config.keras_classes import REQUIRED, activations, arguments_of
from ganlab.config.layers import MERGES, REFUSED_LAYERS
from ganlab.config.network import REFUSED_OPTIMIZERS

ARGUMENTS = {"type": ["object", "null"]}
# The end of an argument's name -> the module and the class of its objects.
_OBJECTS = {
    "initializer": ("keras.initializers", "Initializer"),
    "regularizer": ("keras.regularizers", "Regularizer"),
    "constraint": ("keras.constraints", "Constraint"),
    "learning_rate": ("keras.optimizers.schedules", "LearningRateSchedule"),
}
# Arguments that every layer takes besides those of its own.
_OF_LAYERS = {"name": "", "trainable": True, "activity_regularizer": None}


def keras_definitions() -> dict[str, Any]:
    """The definitions LayerName, SingleLayer, Optimizer, and one for each kind of object."""
    layers = arguments_of("keras.layers", "Layer") | arguments_of("ganlab.models.layers", "Layer")
    left_out = {*REFUSED_LAYERS, *MERGES, "Wrapper"}
    layers = {name: _OF_LAYERS | layers[name] for name in sorted(layers) if name not in left_out}
    optimizers = arguments_of("keras.optimizers", "Optimizer")
    optimizers = {name: optimizers[name] for name in sorted(optimizers) if name not in REFUSED_OPTIMIZERS}
    bare = [name for name, arguments in layers.items() if REQUIRED not in arguments.values()]
    return {
        "LayerName": {"enum": bare},
        "SingleLayer": _choice(layers),
        "Optimizer": {"anyOf": [{"enum": list(optimizers)}, _choice(optimizers)]},
        "activation": {"enum": [*activations(), None]},
        **{end: _object(end, *place) for end, place in _OBJECTS.items()},
    }


def one_key(values: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """A mapping with one key out of `names`."""
    return _one_of(dict.fromkeys(names, values))


def _one_of(properties: dict[str, Any]) -> dict[str, Any]:
    closed = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    return closed | {"properties": properties}


def _choice(classes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """`{Name: {arguments}}`, or `{Name: null}` where no argument is required."""
    forms = {}
    for name, arguments in classes.items():
        required = [key for key, default in arguments.items() if default is REQUIRED]
        values = {key: _value(key, default) for key, default in arguments.items()}
        forms[name] = {
            "type": "object" if required else ["object", "null"],
            "properties": values,
            "required": required,
            "additionalProperties": False,
        }
    return _one_of(forms)


def _object(end: str, module: str, base: str) -> dict[str, Any]:
    """A name, a mapping of a name to its arguments, null, or a number for a learning rate."""
    plain = {"type": ["number", "null"] if end == "learning_rate" else ["string", "null"]}
    return {"anyOf": [plain, _choice(arguments_of(module, base))]}


def _value(key: str, default: Any) -> dict[str, Any]:
    """The values of one argument, as far as its name and its default tell them."""
    end = "learning_rate" if key == "learning_rate" else key.rpartition("_")[2]
    if key == "layer":  # of a wrapper
        return {"$ref": "#/$defs/SingleLayer"}
    if end in _OBJECTS or end == "activation":
        return {"$ref": f"#/$defs/{end}"}
    if key == "beta_2":  # Adam's follows a schedule, too
        return {"$ref": "#/$defs/learning_rate"}
    if isinstance(default, bool):
        return {"type": "boolean"}
    if isinstance(default, int | float):
        return {"type": ["number", "array", "null"]}
    return {"type": ["string", "array", "null"]} if isinstance(default, str) else {}
