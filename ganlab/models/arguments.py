"""Builds Keras objects from `{Name: {arguments}}` in a config, and checks every name.

Nothing here hands a mapping from a config to Keras' own deserialization, which imports any class path that the mapping names.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import constraints, initializers, regularizers
from keras.optimizers import schedules

from ganlab.config.document import Keys, shown, sweep_hint
from ganlab.config.foreign_words import foreign_hint
from ganlab.config.keras_classes import activations
from ganlab.errors import ConfigError, did_you_mean, raise_first

ErrorAt = Callable[[Keys, str], ConfigError]

# Arguments that every Keras layer takes besides those of its own signature.
LAYER_ARGUMENTS = frozenset({"name", "trainable", "activity_regularizer"})


def public_classes(module: Any, base: type) -> dict[str, type]:
    """The concrete public classes of a Keras module under the names that users know."""
    found = {name: getattr(module, name) for name in dir(module) if name[0].isupper()}
    return {
        name: cls for name, cls in found.items() if isinstance(cls, type) and issubclass(cls, base) and cls is not base
    }


INITIALIZERS = public_classes(initializers, initializers.Initializer)
# The end of an argument's name -> noun, classes, and Keras' function that knows their short names, such as he_normal.
OBJECTS = {
    "initializer": ("an initializer", INITIALIZERS, initializers.get),
    "regularizer": ("a regularizer", public_classes(regularizers, regularizers.Regularizer), regularizers.get),
    "constraint": ("a constraint", public_classes(constraints, constraints.Constraint), constraints.get),
    "learning_rate": (
        "a learning-rate schedule",
        public_classes(schedules, schedules.LearningRateSchedule),
        lambda name: None,
    ),
}
ACTIVATIONS = {name: getattr(keras.activations, name) for name in activations()}


def single_entry(value: Mapping, keys: Keys, error_at: ErrorAt, noun: str) -> tuple[str, dict, Keys]:
    """Splits `{Name: {arguments}}` into name, arguments and the keys that lead to the arguments."""
    if len(value) != 1:
        raise error_at(keys, f"expected {noun} as {{Name: {{arguments}}}} with one name, received {len(value)} names")
    name, arguments = next(iter(value.items()))
    if arguments is not None and not isinstance(arguments, Mapping):
        raise error_at((*keys, name), f"expected a mapping of arguments, received {arguments!r}")
    return name, dict(arguments or {}), (*keys, name)


def build_object(cls: type, arguments: dict, keys: Keys, error_at: ErrorAt, noun: str, extra: Mapping = {}) -> Any:
    """Makes `cls(**arguments, **extra)`. Every mistake becomes one located line.

    Args:
        cls: a Keras class.
        arguments: the config's arguments; their names are checked against the signature.
        keys: their place in the config.
        error_at: makes the located error.
        noun: the kind of class, for messages: "a layer".
        extra: arguments that no config writes (dtype, name).

    Raises:
        ConfigError: for an unknown or missing argument or a value that Keras refuses.
    """
    parameters = inspect.signature(cls.__init__).parameters
    named = {p.name for p in parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {
        "self",
        "dtype",
    }
    if issubclass(cls, keras.Layer):
        named |= LAYER_ARGUMENTS
    required = {p.name for p in parameters.values() if p.default is p.empty and p.name in named}
    unknown = [key for key in arguments if key not in named]
    missing = sorted(required - set(arguments))
    mistakes = [error_at((*keys, key), f"unknown key.{did_you_mean(key, named)}") for key in unknown]
    # A misspelled key is no missing key, too.
    missing = [key for key in missing if not any(f"Did you mean '{key}'" in str(mistake) for mistake in mistakes)]
    mistakes += [error_at((*keys, key), f"missing; {cls.__name__} needs it") for key in missing]
    resolved = {}
    for key in [key for key in arguments if key in named]:
        try:
            _require_kind(arguments[key], getattr(parameters.get(key), "default", None), (*keys, key), error_at)
            resolved[key] = resolve_argument(key, arguments[key], (*keys, key), error_at)
        except ConfigError as error:  # look at the other arguments, too
            mistakes.append(error)
    raise_first(mistakes)
    try:
        return cls(**resolved, **extra)
    except (ValueError, TypeError, AttributeError, NotImplementedError, OverflowError) as error:
        blamed = [key for key in arguments if f"`{key}`" in str(error)] or [
            key for key in arguments if key in str(error)
        ]
        place = (*keys, blamed[0]) if blamed else keys
        raise error_at(place, f"{noun} {cls.__name__} does not accept this: {first_sentence(error)}") from error


def _require_kind(value: Any, default: Any, keys: Keys, error_at: ErrorAt) -> None:
    # Keras reads any word as true: `use_bias: no` would switch the bias on, because `no` is a word in YAML 1.2.
    if isinstance(default, bool) and not isinstance(value, bool):
        raise error_at(keys, f"expected true or false, received {shown(value)}")
    if isinstance(default, str) and isinstance(value, int | float):
        raise error_at(keys, f"expected a word, as {default} (the default), received {shown(value)}")
    if isinstance(value, str) and (hint := foreign_hint(value, ())):
        raise error_at(keys, f"received the text {shown(value)}.{hint}")
    if isinstance(default, float) and isinstance(value, list):
        raise error_at(keys, f"expected a number, received {shown(value)}{sweep_hint(keys, value)}")
    if isinstance(default, int | float) and isinstance(value, str):
        raise error_at(keys, f"expected a number, received {shown(value)}")


def resolve_argument(key: str, value: Any, keys: Keys, error_at: ErrorAt) -> Any:
    """The Keras object that an argument's value stands for, or the plain value itself."""
    end = "learning_rate" if key == "learning_rate" else key.rpartition("_")[2]
    if value is None:
        return None
    if end == "activation":
        if not isinstance(value, str) or value not in ACTIVATIONS:
            raise error_at(keys, f"unknown activation {value!r}.{did_you_mean(str(value), ACTIVATIONS)}")
        return ACTIVATIONS[value]
    if end in OBJECTS and (end != "learning_rate" or isinstance(value, Mapping)):
        return build_named(end, value, keys, error_at)
    _only_plain(value, keys, error_at)
    return value


def build_named(kind: str, value: Any, keys: Keys, error_at: ErrorAt) -> Any:
    """The object of `Name`, a short name or `{Name: {arguments}}`; `kind` is a key of OBJECTS."""
    noun, classes, short = OBJECTS[kind]
    if isinstance(value, Mapping):
        name, arguments, keys = single_entry(value, keys, error_at, noun)
    elif isinstance(value, str):
        name, arguments = value, {}
    else:
        raise error_at(keys, f"expected the name of {noun} or {{Name: {{arguments}}}}, received {value!r}")
    cls = classes.get(name)
    if cls is None:
        try:
            found = short(name)
        except (ValueError, TypeError):
            found = None
        if found is None:
            raise error_at(keys, f"unknown name of {noun} '{name}'.{did_you_mean(name, classes)}")
        cls = type(found)
    return build_object(cls, arguments, keys, error_at, noun)


def _only_plain(value: Any, keys: Keys, error_at: ErrorAt) -> None:
    if isinstance(value, Mapping):
        raise error_at(keys, "expected a plain value, received a mapping")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _only_plain(item, (*keys, index), error_at)


def first_sentence(error: Exception) -> str:
    """The line of a library's message that names the mistake, at most 300 characters."""
    plain = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        lines = lines[1:]
    return (lines[0] if lines else type(error).__name__)[:300]
