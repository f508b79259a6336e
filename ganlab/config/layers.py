"""The list of layers in a config: single layers, and the groups `repeat`, `merge` and `phases`, which hold lists."""

import math
from typing import Any

from pydantic_core import PydanticCustomError

from ganlab.config.document import Keys, plainly, shown
from ganlab.config.fields import located, together
from ganlab.config.foreign_words import foreign_hint
from ganlab.config.merging import BASE
from ganlab.errors import did_you_mean

MAX_LAYERS = 10_000
MAX_REPEAT = 1000
MERGES = ("Add", "Attention", "Average", "Concatenate", "Dot", "Fade", "Maximum", "Minimum", "Multiply", "Subtract")
# Merging layers with named inputs: the branches that they need, and the optional branches.
NAMED_BRANCHES = {"Attention": (("query", "value"), ("key",)), "Fade": (("old", "new"), ())}
# Layers that would run code from a config or a file, or that need an object which a config cannot describe.
REFUSED_LAYERS = {
    "Lambda": "it runs code from the config",
    "TFSMLayer": "it loads code from a file",
    "TorchModuleWrapper": "it wraps code of another framework",
    "JaxLayer": "it wraps code of another framework",
    "FlaxLayer": "it wraps code of another framework",
    "InputLayer": "the input comes from latent.dim or from the data",
    **dict.fromkeys(("StringLookup", "IntegerLookup", "TextVectorization"), "it reads a vocabulary, also from a file"),
    **dict.fromkeys(("RNN", "StackedRNNCells"), "it needs a cell object"),
}

_LAYER = "a layer as Name, {Name: {arguments}}, {repeat: N, layers: [...]} or {merge: Name, branches: {...}}"
_MERGE = "a merging layer as Name or {Name: {arguments}}"
_REPEAT = f"an integer from 1 to {MAX_REPEAT}"
_PHASES = "a list of different integers >= 1"
_BRANCHES = "a mapping of at least two lists of layers, each under a name of its own"
# The keys of each group, with words for their values.
_GROUPS = {
    "repeat": {"repeat": _REPEAT, "layers": "a list of layers"},
    "merge": {"merge": _MERGE, "branches": _BRANCHES},
    "phases": {"phases": _PHASES, "layers": "a list of layers"},
}


def normalise_choice(value: Any, words: str, keys: Keys = ()) -> dict[str, dict[str, Any]]:
    """`Name` and `{Name: null}` as `{Name: {}}`; `{Name: {arguments}}` as it is.

    Raises: a located error for another form, with `words` as the expected form.
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
        hint = foreign_hint(name, ("Dense",)) or _hint_at_argument(name, arguments)
        message = f"expected a mapping of arguments, received {shown(arguments)}{'.' * bool(hint)}{hint}"
        raise located(message, (*keys, name))
    _require_finite(arguments, (*keys, name))
    return {name: arguments}


def _hint_at_argument(name: str, value: Any) -> str:
    """How to write the only argument of a class, as in `Dropout: 0.3`."""
    from ganlab.config.keras_classes import first_arguments

    first = first_arguments().get(name)
    return f" Write {name}: {{{first}: {plainly(value)}}}." if first else ""


def _require_finite(value: Any, keys: Keys) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise located(f"expected a finite number, received {shown(value)}", keys)
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _require_finite(item, (*keys, key))


def read_layers(value: Any) -> list[Any]:
    """The list with every layer and group in its shortest form. Raises: a located error, also for more than MAX_LAYERS."""
    layers = _read_list(value, ())
    if (count := _count(layers)) > MAX_LAYERS:
        received = f"{count:,}" if count < 10**12 else "many more"
        raise located(f"expected at most {MAX_LAYERS:,} layers after repeats, received {received}")
    return layers


def _read_list(value: Any, keys: Keys, may_be_empty: bool = False) -> list[Any]:
    if not isinstance(value, list) or not (value or may_be_empty):
        words = "a list of layers" if may_be_empty else "a list of at least one layer"
        raise located(f"expected {words}, received {'an empty list' if value == [] else shown(value)}", keys)
    items, mistakes = [], []
    for index, item in enumerate(value):
        try:
            items.append(_read_item(item, (*keys, index)))
        except PydanticCustomError as error:  # look at the other items, too
            mistakes.append(error)
    if mistakes:
        raise together(mistakes)
    return items


def _read_item(item: Any, keys: Keys) -> str | dict[str, Any]:
    if isinstance(item, dict) and any(key in item for group in _GROUPS.values() for key in group):
        return _read_group(item, keys)
    if item == BASE or (isinstance(item, dict) and list(item) == [BASE]):
        raise located(f"'{BASE}' stands for a network's layers in the extended file; there are none here", keys)
    return _shortest(normalise_choice(item, _LAYER, keys))


def _shortest(choice: dict[str, dict[str, Any]]) -> str | dict[str, dict[str, Any]]:
    return choice if all(choice.values()) else next(iter(choice))


def _read_group(group: dict[str, Any], keys: Keys) -> dict[str, Any]:
    kind = "merge" if "merge" in group or "branches" in group else "phases" if "phases" in group else "repeat"
    expected = _GROUPS[kind]
    for key in group:
        if key not in expected:
            choices = {*expected, "phases"} if kind == "repeat" and kind not in group else expected
            raise located(f"unknown key.{did_you_mean(key, choices)}", (*keys, key))
    for key, words in expected.items():
        if key not in group:
            raise located(f"missing; expected {words}", (*keys, key))
    if kind == "merge":
        return _read_merge(group["merge"], group["branches"], keys)
    number = group[kind]
    if not (type(number) is int and 1 <= number <= MAX_REPEAT if kind == "repeat" else _are_phases(number)):
        raise located(f"expected {expected[kind]}, received {shown(number)}", (*keys, kind))
    return {kind: number, "layers": _read_list(group["layers"], (*keys, "layers"))}


def _are_phases(value: Any) -> bool:
    numbers = isinstance(value, list) and all(type(number) is int and number >= 1 for number in value)
    return bool(value) and numbers and len(set(value)) == len(value)


def _read_merge(merge: Any, branches: Any, keys: Keys) -> dict[str, Any]:
    choice = normalise_choice(merge, _MERGE, (*keys, "merge"))
    (kind,) = choice
    if kind not in MERGES:
        raise located(f"unknown merging layer.{did_you_mean(kind, MERGES)}", (*keys, "merge", kind))
    if not isinstance(branches, dict) or len(branches) < 2:
        few = isinstance(branches, dict) and f"{len(branches)} of them"
        raise located(f"expected {_BRANCHES}, received {few or shown(branches)}", (*keys, "branches"))
    needed, more = NAMED_BRANCHES.get(kind, ((), tuple(branches)))
    if not set(needed) <= set(branches) <= {*needed, *more}:
        words = " and ".join((*needed, *(f"optionally {name}" for name in more)))
        message = f"expected the branches {words} with {kind}, received {', '.join(map(shown, list(branches)[:4]))}"
        raise located(message, (*keys, "branches"))
    lists = {name: _read_list(inner, (*keys, "branches", name), True) for name, inner in branches.items()}
    order = [name for name in (*needed, *more) if name in lists]  # of the merging layer's inputs
    return {"merge": _shortest(choice), "branches": {name: lists[name] for name in order}}


def group_of(item: Any) -> str | None:
    """`repeat`, `merge` or `phases` for a group that was read; None for a single layer."""
    return next((kind for kind in _GROUPS if isinstance(item, dict) and kind in item), None)


def _count(layers: list[Any]) -> int:
    """The number of layers after repeats; nothing is unrolled."""
    total = 0
    for item in layers:
        kind = group_of(item)
        if kind == "merge":
            total += 1 + sum(_count(branch) for branch in item["branches"].values())
        else:
            total += 1 if kind is None else _count(item["layers"]) * (item["repeat"] if kind == "repeat" else 1)
    return total
