"""Puts configs together: one that extends another, and single values from the command line."""

import re
from typing import Any

from ganlab.config.document import Keys, Node, Place, dotted, shown
from ganlab.config.reader import MAX_DEPTH, parse_yaml
from ganlab.errors import ConfigError, did_you_mean

BASE = "base"  # in a list of layers: those of the extended file
_DROPS = ("drop_first", "drop_last")
# Mappings of one key that is a choice: another key replaces it.
_CHOICES = {("objective",), ("loss",), ("class_loss",)}
# Two keys for one thing: setting one unsets the other.
_EXCLUSIVE = {("train", "steps"): "epochs", ("train", "epochs"): "steps"}

_PATH = re.compile(r"[^\s.\[\]=]+(\.[^\s.\[\]=]+|\[[0-9]{1,9}\])*")
_PART = re.compile(r"\[([0-9]+)\]|[^.\[\]]+")


def merge(base: Node, over: Node, keys: Keys = ()) -> Node:
    """`over` on top of `base`: mappings are merged; lists, scalars and choices (`{Adam: ...}`) are replaced.

    In a list of layers, the item `base` becomes the layers of the list that it replaces.
    Raises: ConfigError, located, if that item drops more than there is.
    """
    if keys and keys[-1] == "layers" and isinstance(base.value, list) and isinstance(over.value, list):
        return with_base_layers(over, base.value, keys)
    are_mappings = isinstance(base.value, dict) and isinstance(over.value, dict)
    if not are_mappings or _is_other_choice(base, over, keys):
        return over
    entries = dict(base.value)
    for key, child in over.value.items():
        rival = _EXCLUSIVE.get((*keys, key))
        if child.value is not None and rival not in over.value:
            entries.pop(rival, None)
        entries[key] = merge(entries[key], child, (*keys, key)) if key in entries else child
    return Node(entries, over.place)


def with_base_layers(over: Node, base: list[Node], keys: Keys) -> Node:
    """A list of layers with `base` and `{base: {drop_first: N, drop_last: N}}` replaced by layers of another list."""
    items: list[Node] = []
    for index, item in enumerate(over.value):
        value = item.plain()
        if value == BASE or (isinstance(value, dict) and list(value) == [BASE]):
            items += _part_of(base, value if isinstance(value, dict) else {}, item.place, (*keys, index))
        else:
            items.append(item)
    return Node(items, over.place)


def _part_of(base: list[Node], item: dict[str, Any], place: Place, keys: Keys) -> list[Node]:
    drops = item.get(BASE) or {}
    if not isinstance(drops, dict):
        raise ConfigError(
            f"{place}: {dotted(keys)}.{BASE}: expected a mapping of {' and '.join(_DROPS)}, received {shown(drops)}"
        )
    for key, number in drops.items():
        subject = f"{place}: {dotted(keys)}.{BASE}.{key}"
        if key not in _DROPS:
            raise ConfigError(f"{subject}: unknown key.{did_you_mean(key, _DROPS)}")
        if type(number) is not int or not 0 <= number <= len(base):
            words = f"an integer from 0 to {len(base)}, the layers of the extended file"
            raise ConfigError(f"{subject}: expected {words}, received {shown(number)}")
    return base[drops.get("drop_first", 0) : len(base) - drops.get("drop_last", 0)]


def _is_other_choice(base: Node, over: Node, keys: Keys) -> bool:
    if len(base.value) != 1 or len(over.value) != 1 or base.value.keys() == over.value.keys():
        return False
    # A class name, as in `learning_rate: {CosineDecay: {...}}`, is a choice wherever it stands.
    return _is_choice(keys) or all(next(iter(node.value))[:1].isupper() for node in (base, over))


def _is_choice(keys: Keys) -> bool:
    return keys in _CHOICES or (len(keys) == 2 and keys[1] == "optimizer")


def override(root: Node, option: str) -> Node:
    """The document with one value replaced: `a.b=VALUE` or `a.layers[3].Conv2D.filters=VALUE`, VALUE in YAML.

    Raises: ConfigError, located as `-o a.b=VALUE`.
    """
    place = Place(f"-o {option if len(option) <= 100 else option[:97] + '...'}")
    path, equals, text = option.partition("=")
    keys = keys_of(path)
    if not equals or keys is None:
        raise ConfigError(f"{place}: expected KEY=VALUE, as in -o train.steps=100")
    if len(keys) > MAX_DEPTH:
        raise ConfigError(f"{place}: nested more than {MAX_DEPTH} levels deep, the limit")
    if keys[0] == "extends":
        raise ConfigError(f"{place}: extends: cannot be overridden; write a config that extends the file")
    value = parse_yaml(text, place.name, with_lines=False).root if text.strip() else Node(None, place)
    return put(root, keys, Node(value.value, place))


def keys_of(path: str) -> list[str | int] | None:
    """The keys of a dotted path, for example `generator.layers[3].Conv2D.filters`; None if the text is no path."""
    parts = _PART.finditer(path) if _PATH.fullmatch(path) else None
    return parts and [int(match[1]) if match[1] else match[0] for match in parts]


def put(node: Node | None, keys: list[str | int], value: Node, done: Keys = ()) -> Node:
    """The node with the value at `keys` replaced; `done` is the path to the node. Missing mappings are created.

    Raises: ConfigError, if a list lacks the item, a value on the path has no keys, or `base` drops more than there is.
    """
    if not keys:
        replaces = done[-1] == "layers" and node is not None and isinstance(node.value, list)
        return with_base_layers(value, node.value, done) if replaces and isinstance(value.value, list) else value
    key, *rest = keys
    if node is not None and isinstance(node.value, list):
        index = _index(node, key, value.place, done)
        items = list(node.value)
        items[index] = put(items[index], rest, value, (*done, index))
        return Node(items, node.place)
    entries = _entries(node, str(key), value.place, done)
    if value.value is not None:
        entries.pop(_EXCLUSIVE.get((*done, key)), None)
    entries[str(key)] = put(entries.get(str(key)), rest, value, (*done, str(key)))
    return Node(entries, node.place if node is not None else value.place)


def _index(node: Node, key: str | int, place: Place, done: Keys) -> int:
    if re.fullmatch("[0-9]{1,9}", str(key)) and int(key) < len(node.value):
        return int(key)
    indices = f"an index from 0 to {len(node.value) - 1}" if node.value else "no index, the list is empty"
    raise ConfigError(f"{place}: {dotted(done)}: expected {indices}, received {shown(key)}")


def _entries(node: Node | None, key: str, place: Place, done: Keys) -> dict[str, Node]:
    """The entries of a mapping, before `key` is set in it."""
    value = node.value if node is not None else None
    if isinstance(value, str) and (value == key or _is_choice(done)):
        value = {value: Node({}, node.place)}  # `Adam` is short for `{Adam: {}}`
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{place}: {dotted(done)}: expected a mapping to set '{key}', found {shown(value)}")
    if key not in value and _is_choice(done):
        return {}
    is_layer = bool(done) and isinstance(done[-1], int)
    if key not in value and is_layer and len(value) == 1:
        raise ConfigError(f"{place}: {dotted(done)}: expected '{next(iter(value))}', received '{key}'")
    return dict(value)
