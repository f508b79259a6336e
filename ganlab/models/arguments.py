"""Turns what a config writes as `{Name: {arguments}}` into Keras objects, checking every name.

Nothing here hands a mapping from a config to Keras' own deserialization, which would import whatever class path it names.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import keras

from ganlab.config.document import shown
from ganlab.config.foreign_words import foreign_hint
from ganlab.errors import ConfigError, did_you_mean

Keys = tuple[str | int, ...]
ErrorAt = Callable[[Keys, str], ConfigError]

# Arguments that every Keras layer takes besides those of its own signature.
LAYER_ARGUMENTS = frozenset({"name", "trainable", "activity_regularizer"})


def public_classes(module: Any, base: type) -> dict[str, type]:
    """The concrete public classes of a Keras module under the names that users know."""
    found = {name: getattr(module, name) for name in dir(module) if name[0].isupper()}
    return {
        name: cls for name, cls in found.items() if isinstance(cls, type) and issubclass(cls, base) and cls is not base
    }


def _functions(module: Any) -> dict[str, Callable]:
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {
        name: value
        for name, value in found.items()
        if inspect.isfunction(value) and name not in ("get", "serialize", "deserialize")
    }


class _Kind:
    """One kind of Keras object that may stand as an argument: where it is looked up, and under which names."""

    def __init__(self, noun: str, module: Any, base: type, get: Callable):
        self.noun = noun
        self.classes = public_classes(module, base)
        self.get = get

    def names(self) -> list[str]:
        return sorted(self.classes)

    def build(self, value: Any, keys: Keys, error_at: ErrorAt) -> Any:
        if isinstance(value, Mapping):
            name, arguments, inner = single_entry(value, keys, error_at, self.noun)
            return build_object(self._class_of(name, inner, error_at), arguments, inner, error_at, self.noun)
        if isinstance(value, str):
            return build_object(self._class_of(value, keys, error_at), {}, keys, error_at, self.noun)
        raise error_at(keys, f"expected the name of {self.noun} or {{Name: {{arguments}}}}, received {value!r}")

    def _class_of(self, name: str, keys: Keys, error_at: ErrorAt) -> type:
        if name in self.classes:
            return self.classes[name]
        try:  # Keras' short names, such as he_normal, are names too
            found = self.get(name)
        except (ValueError, TypeError):
            found = None
        if found is None:
            raise error_at(keys, f"unknown name of {self.noun} '{name}'.{did_you_mean(name, self.classes)}")
        return type(found)


INITIALIZER = _Kind("an initializer", keras.initializers, keras.initializers.Initializer, keras.initializers.get)
REGULARIZER = _Kind("a regularizer", keras.regularizers, keras.regularizers.Regularizer, keras.regularizers.get)
CONSTRAINT = _Kind("a constraint", keras.constraints, keras.constraints.Constraint, keras.constraints.get)
SCHEDULE = _Kind(
    "a learning-rate schedule",
    keras.optimizers.schedules,
    keras.optimizers.schedules.LearningRateSchedule,
    lambda name: None,
)
ACTIVATIONS = _functions(keras.activations)


def single_entry(value: Mapping, keys: Keys, error_at: ErrorAt, noun: str) -> tuple[str, dict, Keys]:
    """Splits `{Name: {arguments}}` into name, arguments and the keys that lead to the arguments."""
    if len(value) != 1:
        raise error_at(keys, f"expected {noun} as {{Name: {{arguments}}}} with one name, received {len(value)} names")
    name, arguments = next(iter(value.items()))
    if arguments is not None and not isinstance(arguments, Mapping):
        raise error_at((*keys, name), f"expected a mapping of arguments, received {arguments!r}")
    return name, dict(arguments or {}), (*keys, name)


def build_object(cls: type, arguments: dict, keys: Keys, error_at: ErrorAt, noun: str, extra: Mapping = {}) -> Any:
    """Makes `cls(**arguments, **extra)`; every mistake becomes one located line.

    Args:
        cls: a Keras class.
        arguments: what the config wrote; names are checked against the signature.
        keys: where it stands in the config.
        error_at: makes the located error.
        noun: what the class is, for messages: "a layer".
        extra: arguments of ours that no config writes (dtype, name).

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
    for key in arguments:
        if key not in named:
            raise error_at((*keys, key), f"unknown key.{did_you_mean(key, named)}")
    required = {p.name for p in parameters.values() if p.default is p.empty and p.name in named}
    for key in sorted(required - set(arguments)):
        raise error_at((*keys, key), f"missing; {cls.__name__} needs it")
    for key, value in arguments.items():
        _require_kind(value, getattr(parameters.get(key), "default", None), (*keys, key), error_at)
    resolved = {key: resolve_argument(key, value, (*keys, key), error_at) for key, value in arguments.items()}
    try:
        return cls(**resolved, **extra)
    except (ValueError, TypeError, AttributeError, NotImplementedError, OverflowError) as error:
        blamed = [key for key in arguments if f"`{key}`" in str(error)] or [
            key for key in arguments if key in str(error)
        ]
        place = (*keys, blamed[0]) if blamed else keys
        raise error_at(place, f"{noun} {cls.__name__} does not accept this: {first_sentence(error)}") from error


def _require_kind(value: Any, default: Any, keys: Keys, error_at: ErrorAt) -> None:
    # Keras takes any word for true: `use_bias: no`, a word in YAML 1.2, would switch the bias on.
    if isinstance(default, bool) and not isinstance(value, bool):
        raise error_at(keys, f"expected true or false, received {shown(value)}")
    if isinstance(default, str) and isinstance(value, int | float):
        raise error_at(keys, f"expected a word, as {default} (the default), received {shown(value)}")
    if isinstance(value, str) and value.startswith("(") and (hint := foreign_hint(value, ())):
        raise error_at(keys, f"received the text {shown(value)}.{hint}")
    if isinstance(default, int | float) and isinstance(value, str):
        raise error_at(keys, f"expected a number, received {shown(value)}")


def resolve_argument(key: str, value: Any, keys: Keys, error_at: ErrorAt) -> Any:
    """The Keras object that an argument's value stands for, or the plain value itself."""
    if value is None:
        return None
    if key.endswith("initializer"):
        return INITIALIZER.build(value, keys, error_at)
    if key.endswith("regularizer"):
        return REGULARIZER.build(value, keys, error_at)
    if key.endswith("constraint"):
        return CONSTRAINT.build(value, keys, error_at)
    if key == "learning_rate" and isinstance(value, Mapping):
        return SCHEDULE.build(value, keys, error_at)
    if key.endswith("activation"):
        if not isinstance(value, str) or value not in ACTIVATIONS:
            raise error_at(keys, f"unknown activation {value!r}.{did_you_mean(str(value), ACTIVATIONS)}")
        return ACTIVATIONS[value]
    _only_plain(value, keys, error_at)
    return value


def _only_plain(value: Any, keys: Keys, error_at: ErrorAt) -> None:
    if isinstance(value, Mapping):
        raise error_at(keys, "expected a plain value, received a mapping")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _only_plain(item, (*keys, index), error_at)


def first_sentence(error: Exception) -> str:
    """The part of a library's message that tells the user something, on one line."""
    plain = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        lines = lines[1:]
    return (lines[0] if lines else type(error).__name__)[:300]
