"""A YAML document as a tree whose every value knows the file, line and column it came from.

Places travel with the values, so a config put together from several files and overrides still says where
each part stands.
"""

import itertools
import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Keys = tuple[str | int, ...]
Scalar = str | int | float | bool | None

_WORD = re.compile(r"[^\s.\[\]:'\"]{1,80}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: a file with line and column (1-based), or a command-line option without them."""

    name: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        name = self.name if self.name.isprintable() else repr(self.name)
        return name if self.line is None else f"{name}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place: that of the key in a mapping, that of the item in a list."""

    value: "Scalar | dict[str, Node] | list[Node]"
    place: Place

    def plain(self) -> Any:
        """The value as dictionaries, lists and scalars, without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        return [child.plain() for child in self.value] if isinstance(self.value, list) else self.value

    def child(self, key: str | int) -> "Node | None":
        """The entry under a key of a mapping or an index of a list; None where there is none."""
        if isinstance(self.value, dict):
            return self.value.get(key)
        is_index = isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value)
        return self.value[key] if is_index else None


@dataclass(frozen=True)
class Document:
    """What a YAML file says, with the way back to the file."""

    root: Node

    @cached_property
    def data(self) -> Any:
        """The content as plain dictionaries, lists and scalars."""
        return self.root.plain()

    def locate(self, keys: Keys) -> str:
        """`file:line:column` of the key or item at this path, or of its nearest parent that exists."""
        return str(self._nodes_to(keys)[-1].place)

    def order(self, keys: Keys) -> tuple[float, ...]:
        """A sort key that puts paths in the order of the document; a missing key comes last in its parent."""
        positions = [self._position(node, key) for node, key in zip(self._nodes_to(keys)[:-1], keys, strict=False)]
        return (*positions, *([math.inf] if len(positions) < len(keys) else []))

    def _position(self, node: Node, key: str | int) -> int:
        if isinstance(node.value, list):
            return key
        # Kept, for a mapping with thousands of mistakes is asked thousands of times.
        ranks = self._ranks.setdefault(id(node), {})
        return (ranks or ranks.update(zip(node.value, itertools.count())) or ranks)[key]

    @cached_property
    def _ranks(self) -> dict[int, dict[str, int]]:
        return {}

    def _nodes_to(self, keys: Keys) -> list[Node]:
        """The nodes on the way from the root along a path, as far as they exist."""
        nodes = [self.root]
        for key in keys:
            if (child := nodes[-1].child(key)) is None:
                break
            nodes.append(child)
        return nodes


def dotted(keys: Keys) -> str:
    """A path of keys as users write it: `generator.layers[3].Conv2D.filters`."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _WORD.fullmatch(key) and key.isprintable():
            text += f".{key}" if text else key
        else:
            text += f"[{shown(key)}]"
    return text


def shown(value: Any) -> str:
    """A received value for an error message: one line, shortened, in the words of YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        text = f"[{', '.join(map(shown, value[:20]))}]"
        return text if len(text) <= 60 and len(value) <= 20 else f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1] if isinstance(value, str) else ''}"
