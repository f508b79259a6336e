"""A network in a config: a list of layers under their Keras names, and an optimizer."""

import copy
import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PrivateAttr

from ganlab.config.document import Keys, shown
from ganlab.config.fields import Described, Section, located
from ganlab.errors import did_you_mean

MAX_LAYERS = 10_000
MAX_REPEAT = 1000

_LAYER = "a layer as Name, {Name: {arguments}} or {repeat: N, layers: [...]}"
_OPTIMIZER = "an optimizer as Name or {Name: {arguments}}"


@dataclass(frozen=True)
class LayerSpec:
    """One layer after `repeat` is unrolled.

    Attributes:
        kind: the layer's name, e.g. `Conv2D`; whether it exists is the compiler's matter.
        arguments: its arguments as the config has them.
        path: the keys of its item in the config, e.g. `("generator", "layers", 3)`.
    """

    kind: str
    arguments: dict[str, Any]
    path: Keys


def normalise_choice(value: Any, words: str, keys: Keys = ()) -> dict[str, dict[str, Any]]:
    """`Name` and `{Name: null}` as `{Name: {}}`; `{Name: {arguments}}` as it is.

    Raises:
        PydanticCustomError: another form; `words` say what was expected, `keys` where the value stands.
    """
    if isinstance(value, str) and value:
        return {value: {}}
    if not isinstance(value, dict) or not value or "" in value:
        raise located(f"expected {words}, received {shown(value)}", keys)
    if len(value) > 1:
        names = ", ".join(str(name) for name in list(value)[:4])
        raise located(f"expected one name, received {len(value)}: {names}; indent arguments below their name", keys)
    ((name, arguments),) = value.items()
    if arguments is None:
        return {name: {}}
    if not isinstance(arguments, dict):
        raise located(f"expected a mapping of arguments, received {shown(arguments)}", (*keys, name))
    _require_finite(arguments, (*keys, name))
    return {name: arguments}


def _require_finite(value: Any, keys: Keys) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise located(f"expected a finite number, received {shown(value)}", keys)
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _require_finite(item, (*keys, key))


def _normalise_layers(value: Any, keys: Keys = ()) -> list[Any]:
    """The list with every layer in its shortest form: `Name`, `{Name: {arguments}}` or a repeat."""
    if not isinstance(value, list) or not value:
        received = "an empty list" if value == [] else shown(value)
        raise located(f"expected a list of at least one layer, received {received}", keys)
    return [_normalise_layer(layer, (*keys, index)) for index, layer in enumerate(value)]


def _normalise_layer(layer: Any, keys: Keys) -> str | dict[str, Any]:
    if isinstance(layer, dict) and ("repeat" in layer or "layers" in layer):
        return _normalise_repeat(layer, keys)
    ((kind, arguments),) = normalise_choice(layer, _LAYER, keys).items()
    return {kind: arguments} if arguments else kind


def _normalise_repeat(layer: dict, keys: Keys) -> dict[str, Any]:
    for key in layer:
        if key not in ("repeat", "layers"):
            raise located(f"unknown key.{did_you_mean(key, ('repeat', 'layers'))}", (*keys, key))
    for key, words in (("repeat", f"an integer from 1 to {MAX_REPEAT}"), ("layers", "a list of layers")):
        if key not in layer:
            raise located(f"missing; expected {words}", (*keys, key))
    times = layer["repeat"]
    if type(times) is not int or not 1 <= times <= MAX_REPEAT:
        raise located(f"expected an integer from 1 to {MAX_REPEAT}, received {shown(times)}", (*keys, "repeat"))
    return {"repeat": times, "layers": _normalise_layers(layer["layers"], (*keys, "layers"))}


def _count(layers: list[Any]) -> int:
    """How many layers there are after unrolling, without unrolling."""
    return sum(layer["repeat"] * _count(layer["layers"]) if _is_repeat(layer) else 1 for layer in layers)


def _is_repeat(layer: Any) -> bool:
    return isinstance(layer, dict) and "repeat" in layer


def _read_layers(value: Any) -> list[Any]:
    layers = _normalise_layers(value)
    if (count := _count(layers)) > MAX_LAYERS:
        received = f"{count:,}" if count < 10**12 else "many more"
        raise located(f"expected at most {MAX_LAYERS:,} layers after repeats, received {received}")
    return layers


def _read_optimizer(value: Any) -> dict[str, dict[str, Any]]:
    return normalise_choice(value, _OPTIMIZER)


class Network(Section):
    """The generator or the discriminator.

    Attributes:
        layers: the layers as written, each in its shortest form.
        optimizer: `{Name: {arguments}}`; names and arguments are checked when Keras is at hand.
    """

    layers: Annotated[list[Any], Described("a list of layers"), BeforeValidator(_read_layers)]
    optimizer: Annotated[
        dict[str, dict[str, Any]],
        Described(_OPTIMIZER),
        BeforeValidator(_read_optimizer),
    ]

    _key: str = PrivateAttr("network")

    def expanded(self) -> list[LayerSpec]:
        """All layers in order, with every `repeat` unrolled."""
        return _expand(self.layers, (self._key, "layers"))

    def structure(self) -> list[dict[str, Any]]:
        """The layers in one form however they were written, for the identity."""
        return [{layer.kind: layer.arguments} for layer in self.expanded()]


def _expand(layers: list[Any], keys: Keys) -> list[LayerSpec]:
    specs = []
    for index, layer in enumerate(layers):
        path = (*keys, index)
        if _is_repeat(layer):
            for _ in range(layer["repeat"]):
                specs += _expand(layer["layers"], (*path, "layers"))
        else:
            kind, arguments = (layer, {}) if isinstance(layer, str) else next(iter(layer.items()))
            specs.append(LayerSpec(kind, copy.deepcopy(arguments), path))
    return specs
