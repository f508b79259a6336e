"""A config in the words of a published table. report.yaml of a study names the config key of each column."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ganlab.config.document import shown
from ganlab.config.fields import Described, Section, Text, located
from ganlab.config.network import LayerSpec
from ganlab.config.schema import Config, Network
from ganlab.errors import did_you_mean
from ganlab.objectives import OBJECTIVES

# Layers that only apply an activation -> the name of Keras' function.
ACTIVATIONS = {"LeakyReLU": "leaky_relu", "ReLU": "relu", "ELU": "elu", "PReLU": "prelu", "Softmax": "softmax"}
WEIGHTED = ("Dense", "Conv2D", "Conv2DTranspose")
OF_A_NETWORK = ("layers", "hidden", "last", "optimizer")


def _require_key(path: str) -> str:
    """Checks the keys that every config has. Keys of networks and choices depend on the config."""
    keys, sections = path.split("."), [kind.config for kind in OBJECTIVES.values()]
    for key in [] if keys[1:] and keys[1] in OF_A_NETWORK else keys:
        if not (fields := [section.model_fields[key] for section in sections if key in section.model_fields]):
            hint = did_you_mean(key, {name for section in sections for name in section.model_fields})
            raise located(f"a config has no key '{key}'.{hint}")
        is_choice = any(isinstance(item, BeforeValidator) for field in fields for item in field.metadata)
        sections = [field.annotation for field in fields if hasattr(field.annotation, "model_fields")]
        if is_choice or not sections:
            break
    return path


_Path = Annotated[str, Described("a key of the config, as train.batch_size"), AfterValidator(_require_key)]


class Fact(Section):
    """The config key that a column of published.csv shows; docs/report.md explains the paths."""

    key: _Path = ""  # of the values that the column shows
    has: _Path = ""  # of layers; the column shows yes or no
    words: dict[str, Text] = Field({})  # text of a value -> the paper's word; `*` is any other text, '' leaves it out
    otherwise: "Fact | None" = None  # the fact to show if this one gives nothing

    @model_validator(mode="before")
    @classmethod
    def _read_path(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"key": _require_key(value)}
        if not isinstance(value, dict):
            raise located(f"expected a key of the config or a mapping with key or has, received {shown(value)}")
        return value

    @model_validator(mode="after")
    def _require_one_path(self) -> "Fact":
        if bool(self.key) == bool(self.has):
            raise located(f"expected exactly one of key and has, received {'both' if self.key else 'neither'}")
        return self

    def text(self, part_of: Callable[[str], Any]) -> str:
        """The distinct values at the path, with commas; '' for none. `part_of` gives the value of a config's top key."""
        first, *keys = (self.key or self.has).split(".")
        values = _values(part_of(first), keys)
        if self.has and part_of(first) is not None:
            values = [bool(values)]
        texts = [self.words.get(text, self.words.get("*", text)) for value in values if (text := _text(value))]
        found = ", ".join(dict.fromkeys(text for text in texts if text))
        return found or (self.otherwise.text(part_of) if self.otherwise else "")


def facts_of(config: Config, columns: Mapping[str, Fact]) -> dict[str, str]:
    """Column of published.csv -> the config's text for it; '' for none."""
    part_of = cache(partial(_part, config))
    return {column: fact.text(part_of) for column, fact in columns.items()}


def same(first: str, second: str) -> bool:
    """Whether two facts are equal as numbers or words: 5e-05 is 0.00005, MNIST is mnist."""
    try:
        return float(first) == float(second)
    except ValueError:
        return first.casefold() == second.casefold()


def _values(part: Any, keys: list[str]) -> list[Any]:
    values = [part]
    for key in keys:
        entries = [entry for value in values for entry in (value if isinstance(value, list) else [value])]
        mappings = [entry for entry in entries if isinstance(entry, dict)]
        values = [value for entry in mappings for name, value in entry.items() if key in (name, "*")]
    return values


def _part(config: Config, name: str) -> Any:
    """The value of a config's top key in the form of the paths; `last` begins at the last layer with weights."""
    network = getattr(config, name, None)
    if not isinstance(network, Network):
        return config.model_dump(include={name}).get(name)
    layers = network.expanded()
    end = max((index for index, layer in enumerate(layers) if layer.kind in WEIGHTED), default=len(layers))
    told = [{layer.kind: layer.arguments | {"activation": _activation(layer)}} for layer in layers]
    return {"optimizer": network.optimizer, "layers": told, "hidden": told[:end], "last": told[end:]}


def _activation(layer: LayerSpec) -> Any:
    activation = ACTIVATIONS.get(layer.kind, layer.arguments.get("activation"))
    return None if activation == "linear" else activation


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):  # a choice: the optimizer's name, the schedule's, the loss'
        return ", ".join(value)
    if isinstance(value, list | tuple):
        return "x".join(_text(entry) for entry in value)
    return f"{value:.10f}".rstrip("0") if isinstance(value, float) and 0 < abs(value) < 1e-4 else str(value)
