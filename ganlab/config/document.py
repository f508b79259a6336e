"""A YAML document as a tree: each value has its file, line and column.

A config may come from several files and overrides. Each of its parts keeps its own place.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ganlab.errors import ConfigError

Keys = tuple[str | int, ...]
Scalar = str | int | float | bool | None

_WORD = re.compile(r"[^\s.\[\]:'\"]{1,80}")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a value: a file with line and column (1-based), or a command-line option without them."""

    name: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        name = self.name if self.name.isprintable() else repr(self.name)
        return name if self.line is None else f"{name}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place. In a mapping this is the place of the key."""

    value: "Scalar | dict[str, Node] | list[Node]"
    place: Place

    def plain(self) -> Any:
        """The value as dictionaries, lists and scalars, without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        return [child.plain() for child in self.value] if isinstance(self.value, list) else self.value

    def child(self, key: str | int) -> "Node | None":
        """The entry under a key of a mapping or an index of a list; None if there is none."""
        if isinstance(self.value, dict):
            return self.value.get(key)
        is_index = isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value)
        return self.value[key] if is_index else None


@dataclass(frozen=True)
class Document:
    """The content of a YAML file, with the place of each value."""

    root: Node

    @cached_property
    def data(self) -> Any:
        """The content as plain dictionaries, lists and scalars."""
        return self.root.plain()

    def place(self, keys: Keys) -> Place:
        """The place of the key or item at this path, or of its nearest parent that exists."""
        return self._nodes_to(keys)[-1].place

    def order(self, keys: Keys) -> tuple[int, int]:
        """A sort key: the line and column of `place`. Values from the command line come first."""
        place = self.place(keys)
        return place.line or 0, place.column or 0

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


def to_json(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """A value as JSON that is YAML, too: pairs of escapes for one character, as of an emoji, are not."""
    text = json.dumps(value, ensure_ascii=False, default=default)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", text)


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


def plainly(value: Any) -> str:
    """A value as a user writes it: as `shown`, but a word without quotes."""
    if isinstance(value, list):
        return f"[{', '.join(map(plainly, value))}]"
    return value if isinstance(value, str) else shown(value)


def sweep_hint(keys: Keys, value: Any) -> str:
    """A hint at a sweep, to append to a message about a list of plain values where a run takes one; '' for other values."""
    if not isinstance(value, list) or len(value) < 2 or any(isinstance(item, dict | list) for item in value):
        return ""
    values = ",".join(map(plainly, value))
    option = f"--seeds {values}" if keys == ("seed",) else f"-o {dotted(keys)}={values}"
    return f". A run takes one value; a sweep trains each: ganlab sweep CONFIG {option}"


def error_in(document: Document | None, keys: Keys, message: str, name: str = "config") -> ConfigError:
    """The error about `keys` of a document, or of a config without a document that is called `name`."""
    place = document.place(keys) if document else Place(name)
    subject, message = f"{dotted(keys)}: " if keys else "", " ".join(message.splitlines())
    error = ConfigError(f"{place}: {subject}{message}")
    at = {"file": place.name, "line": place.line, "column": place.column}
    error.details = {**at, "key": dotted(keys), "message": message}
    return error
