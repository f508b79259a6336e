"""Reads YAML strictly: YAML 1.2 words, no tags, no duplicate keys, bounded size, every error with its place.

Works from PyYAML's events with its own stack, so hostile input neither recurses nor expands without bound.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from ganlab.config.document import Document, Keys, Node, Place, dotted, shown
from ganlab.config.scalars import read_scalar
from ganlab.errors import ConfigError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
MAX_ALIASES = 100
MAX_NODES = 20_000  # counted after aliases are expanded

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The characters YAML forbids (specification 5.1), less DEL and the C1 block which the parsers disagree about.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def read_yaml(path: Path) -> Document:
    """Reads one YAML file.

    Raises:
        ConfigError: the file cannot be read or is not YAML as ganlab reads it; `file:line:column: ...`.
    """
    path = Path(path)
    name = str(Place(str(path)))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: is a folder; expected a YAML file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{name}: cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{name}: larger than {MAX_BYTES // 1024} KiB, the limit for a YAML file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise ConfigError(f"{name}:{line}:{column}: is not UTF-8; save the file as UTF-8") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str, with_lines: bool = True) -> Document:
    """Parses YAML text.

    Args:
        text: one YAML document.
        name: what error messages call it, usually the file's path.
        with_lines: whether places carry line and column (not for a value from the command line).

    Raises:
        ConfigError: one line `name:line:column: ...`.
    """
    builder = _Builder(name, with_lines)
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{builder.place(1, 1)}: larger than {MAX_BYTES // 1024} KiB, the limit for YAML")
    if match := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        raise ConfigError(f"{builder.place(line, column)}: the character {match[0]!a} is not allowed in YAML")
    try:
        return Document(builder.build(yaml.parse(text, Loader=_PARSER)))
    except yaml.YAMLError as error:
        raise ConfigError(_describe(error, text, builder)) from None


def _describe(error: yaml.YAMLError, text: str, builder: "_Builder") -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.split("\n")
    before = lines[line][: column + 1] if line < len(lines) else ""
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    if "\t" in before and not before.strip():
        problem = "a tab; indent with spaces"
    if "nesting depth" in problem:  # libyaml 0.2.6 and later looks so far ahead that its own limit comes first
        return f"{builder.place(line + 1, column + 1)}: nested more than {MAX_DEPTH} levels deep, the limit"
    return f"{builder.place(line + 1, column + 1)}: syntax error: {problem}"


@dataclass
class _Frame:
    """A mapping or list that is still open."""

    node: Node
    anchor: str | None
    nodes_before: int
    height: int = 0  # levels below this one
    key: Node | None = None  # of a mapping: the key whose value comes next


@dataclass
class _Anchored:
    """What an anchor stands for; node is None while it is still open."""

    node: Node | None = None
    nodes: int = 1
    height: int = 0


class _Builder:
    """Builds the tree from events."""

    def __init__(self, name: str, with_lines: bool):
        self.name = name
        self.with_lines = with_lines
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Anchored] = {}
        self.nodes = 0
        self.aliases = 0
        self.root: Node | None = None

    def place(self, line: int, column: int) -> Place:
        return Place(self.name, line, column) if self.with_lines else Place(self.name)

    def fail(self, place: Place, message: str, keys: Keys | None = None) -> ConfigError:
        path = dotted(self.path() if keys is None else keys)
        return ConfigError(f"{place}: {path}: {message}" if path else f"{place}: {message}")

    def path(self) -> Keys:
        """The path of keys to the value that is being read."""
        keys = []
        for frame in self.stack:
            if isinstance(frame.node.value, list):
                keys.append(len(frame.node.value))
            elif frame.key is not None:
                keys.append(frame.key.value)
        return tuple(keys)

    def build(self, events: Iterator[yaml.Event]) -> Node:
        for event in events:
            place = self.place(event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
                raise self.fail(place, "a second document; expected one document a file")
            if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self.close()
            elif isinstance(event, yaml.NodeEvent):
                self.read(event, place)
        if self.root is None or (self.root.value is None and self.with_lines):
            raise self.fail(self.place(1, 1), "is empty; expected a YAML document", ())
        return self.root

    def read(self, event: yaml.NodeEvent, place: Place) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            written = tag.replace("tag:yaml.org,2002:", "!!")
            raise self.fail(place, f"the tag {shown(written)} is not allowed; expected a plain value")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.node.value, dict) and frame.key is None:
            self.read_key(frame, event, place)
        elif isinstance(event, yaml.AliasEvent):
            self.read_alias(event.anchor, place)
        elif isinstance(event, yaml.ScalarEvent):
            self.count(1, place)
            node = Node(self.scalar(event, place), place)
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(node)
            self.attach(node, 0)
        else:
            self.open(event, place)

    def scalar(self, event: yaml.ScalarEvent, place: Place) -> str | int | float | bool | None:
        if not event.implicit[0]:  # quoted
            return event.value
        try:
            return read_scalar(event.value)
        except ValueError as error:
            raise self.fail(place, str(error)) from None

    def read_key(self, frame: _Frame, event: yaml.NodeEvent, place: Place) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise self.fail(place, "expected a word as key")
        key = self.scalar(event, place)
        if not isinstance(key, str):
            raise self.fail(place, f"expected a word as key, received {shown(key)}; quote it if it is one")
        if key == "<<" and event.implicit[0]:
            hint = "unknown key. Merge keys are not read; 'extends: FILE' builds on another config"
            raise self.fail(place, hint, (*self.path(), key))
        if key in frame.node.value:
            first = frame.node.value[key].place
            raise self.fail(place, f"duplicate key; it stands at {first} already", (*self.path(), key))
        frame.key = Node(key, place)

    def read_alias(self, anchor: str, place: Place) -> None:
        anchored = self.anchors.get(anchor)
        if anchored is None:
            raise self.fail(place, f"the alias *{anchor} has no anchor before it")
        if anchored.node is None:
            raise self.fail(place, f"the alias *{anchor} stands inside its own anchor")
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self.fail(place, f"more than {MAX_ALIASES} aliases, the limit")
        self.count(anchored.nodes, place)
        self.check_depth(len(self.stack) + anchored.height, place)
        self.attach(replace(anchored.node, place=place), anchored.height)

    def open(self, event: yaml.NodeEvent, place: Place) -> None:
        self.count(1, place)
        self.check_depth(len(self.stack) + 1, place)
        if event.anchor:
            self.anchors[event.anchor] = _Anchored()
        empty = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.stack.append(_Frame(Node(empty, place), event.anchor, self.nodes - 1))

    def close(self) -> None:
        frame = self.stack.pop()
        if frame.anchor:
            nodes = self.nodes - frame.nodes_before
            self.anchors[frame.anchor] = _Anchored(frame.node, nodes, frame.height + 1)
        self.attach(frame.node, frame.height + 1)

    def attach(self, node: Node, height: int) -> None:
        """Puts a finished value where it belongs; `height` is its number of nested levels."""
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        frame.height = max(frame.height, height)
        if isinstance(frame.node.value, list):
            frame.node.value.append(node)
        else:
            frame.node.value[frame.key.value] = replace(node, place=frame.key.place)
            frame.key = None

    def count(self, nodes: int, place: Place) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self.fail(place, f"more than {MAX_NODES:,} values, the limit", ())

    def check_depth(self, depth: int, place: Place) -> None:
        if depth > MAX_DEPTH:
            raise self.fail(place, f"nested more than {MAX_DEPTH} levels deep, the limit", ())
