"""Reads YAML strictly: YAML 1.2 words, no tags, no duplicate keys, a place for every error.

The reader works on PyYAML's events and has limits, so that hostile input neither recurses nor expands without bound.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from ganlab.config.document import Document, Keys, Node, Place, Scalar, dotted, shown
from ganlab.config.foreign_words import foreign_hint
from ganlab.errors import ConfigError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
MAX_ALIASES = 100
MAX_NODES = 20_000  # counted after aliases are expanded

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The characters that YAML forbids (specification 5.1), and others about which parsers disagree: DEL, the C1 block, and breaks that
# are no line breaks in an editor.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
# Spaces of word processors and web pages. YAML takes them for letters.
_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")


def read_yaml(path: Path) -> Document:
    """Reads one YAML file. Raises: ConfigError with the place, if the file is unreadable or not in ganlab's YAML."""
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
        lines = content[: error.start].split(b"\n")
        raise ConfigError(f"{name}:{len(lines)}:{len(lines[-1]) + 1}: is not UTF-8; save the file as UTF-8") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str, with_lines: bool = True) -> Document:
    """Parses one YAML document. Errors and places have line and column, except for values from the command line.

    Raises: ConfigError, one line `name:line:column: ...`; `name` is usually the file's path.
    """
    builder = _Builder(name, with_lines)
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{builder.place(1, 1)}: larger than {MAX_BYTES // 1024} KiB, the limit for YAML")
    if match := _UNPRINTABLE.search(text):
        lines = text[: match.start()].split("\n")
        place = builder.place(len(lines), len(lines[-1]) + 1)
        raise ConfigError(f"{place}: the character {match[0]!a} is not allowed in YAML")
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
    # The parser notices an odd space some lines later.
    for number in range(min(line, len(lines) - 1), -1, -1):
        if match := _ODD_SPACE.search(re.split(r"(?:^|[ \t])#", lines[number])[0]):
            place = builder.place(number + 1, match.start() + 1)
            return f"{place}: the character {match[0]!a} is no space in YAML; write a plain space"
    if "\t" in before and not before.strip():
        problem = "a tab; indent with spaces"
    if "quoted scalar" in str(getattr(error, "context", "")) and "end of stream" in problem:
        start = error.context_mark
        return f"{builder.place(start.line + 1, start.column + 1)}: syntax error: this quotation mark has no end"
    if problem.startswith(("found unexpected ':'", "could not find expected ':'", "mapping values are not allowed")):
        problem = f"{problem}; write 'key: value' with a space after the colon"
    if "nesting depth" in problem:  # libyaml 0.2.6 and later looks ahead and meets its own limit first
        return f"{builder.place(line + 1, column + 1)}: nested more than {MAX_DEPTH} levels deep, the limit"
    return f"{builder.place(line + 1, column + 1)}: syntax error: {problem}"


class _Builder:
    """Builds the tree from events. It checks the depth before it descends, so its recursion is bounded."""

    def __init__(self, name: str, with_lines: bool):
        self.name, self.with_lines = name, with_lines
        self.events: Iterator[yaml.Event] = iter(())
        self.anchors: dict[str, Node | None] = {}  # None while the anchor's value is read
        self.nodes = self.aliases = 0

    def place(self, line: int, column: int) -> Place:
        return Place(self.name, line, column) if self.with_lines else Place(self.name)

    def place_of(self, event: yaml.Event) -> Place:
        return self.place(event.start_mark.line + 1, event.start_mark.column + 1)

    def build(self, events: Iterator[yaml.Event]) -> Node:
        self.events, root = events, None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise _error(self.place_of(event), "a second document; expected one document a file")
            if isinstance(event, yaml.NodeEvent):
                root = self.node(event, ())
        if root is None or (root.value is None and self.with_lines):
            raise _error(self.place(1, 1), "is empty; expected a YAML document")
        return root

    def node(self, event: yaml.NodeEvent, keys: Keys) -> Node:
        """The value that begins with an event."""
        place = self.place_of(event)
        _refuse_tag(event, place, keys)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event.anchor, place, keys)
        self.count(1, place)
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event, place, keys)
        else:
            _check_depth(len(keys) + 1, place)
            value = self.entries(keys) if isinstance(event, yaml.MappingStartEvent) else self.items(keys)
        node = Node(value, place)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def items(self, keys: Keys) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, (*keys, len(items))))
        return items

    def entries(self, keys: Keys) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            place, key = self.place_of(event), self.key(event, keys, next(reversed(entries.values()), None))
            if key in entries:
                raise _error(place, f"duplicate key; it stands at {entries[key].place} already", (*keys, key))
            entries[key] = replace(self.node(next(self.events), (*keys, key)), place=place)
        return entries

    def key(self, event: yaml.NodeEvent, keys: Keys, before: Node | None) -> str:
        """The key that an event is; `before` is the value of the key before it."""
        place = self.place_of(event)
        _refuse_tag(event, place, keys)
        if not isinstance(event, yaml.ScalarEvent):
            raise _error(place, "expected a word as key", keys)
        key = _scalar(event, place, keys)
        if not isinstance(key, str):
            # Between brackets, `a: 8, 8` ends the value 8.
            parts = (
                before is not None
                and before.place.line == place.line
                and foreign_hint(f"{before.value},{event.value}", ())
            )
            if parts:
                raise _error(place, f"expected a word as key, received {event.value}.{parts}", keys)
            raise _error(place, f"expected a word as key, received {shown(key)}; quote it if it is one", keys)
        if key == "<<" and event.implicit[0]:
            hint = "unknown key. Merge keys are not read; 'extends: FILE' builds on another config"
            raise _error(place, hint, (*keys, key))
        return key

    def alias(self, anchor: str, place: Place, keys: Keys) -> Node:
        if anchor not in self.anchors:
            raise _error(place, f"the alias *{anchor} has no anchor before it", keys)
        if (node := self.anchors[anchor]) is None:
            raise _error(place, f"the alias *{anchor} stands inside its own anchor", keys)
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise _error(place, f"more than {MAX_ALIASES} aliases, the limit", keys)
        nodes, levels = _size(node)
        self.count(nodes, place)
        _check_depth(len(keys) + levels, place)
        return replace(node, place=place)

    def count(self, nodes: int, place: Place) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise _error(place, f"more than {MAX_NODES:,} values, the limit")


def _error(place: Place, message: str, keys: Keys = ()) -> ConfigError:
    return ConfigError(f"{place}: {dotted(keys)}: {message}" if keys else f"{place}: {message}")


def _refuse_tag(event: yaml.NodeEvent, place: Place, keys: Keys) -> None:
    if (tag := getattr(event, "tag", None)) is not None:
        written = shown(tag.replace("tag:yaml.org,2002:", "!!"))
        raise _error(place, f"the tag {written} is not allowed; expected a plain value", keys)


def _check_depth(depth: int, place: Place) -> None:
    if depth > MAX_DEPTH:
        raise _error(place, f"nested more than {MAX_DEPTH} levels deep, the limit")


def _scalar(event: yaml.ScalarEvent, place: Place, keys: Keys) -> Scalar:
    if not event.implicit[0]:  # quoted
        return event.value
    try:
        return read_scalar(event.value)
    except ValueError as error:
        raise _error(place, str(error), keys) from None


def _size(node: Node) -> tuple[int, int]:
    """The number of values in a tree, and of levels of mappings and lists."""
    is_nested = isinstance(node.value, dict | list)
    children = node.value.values() if isinstance(node.value, dict) else node.value if is_nested else ()
    sizes = [_size(child) for child in children]
    return 1 + sum(nodes for nodes, _ in sizes), is_nested + max((levels for _, levels in sizes), default=0)


_WORDS = {word: None for word in ("", "~", "null", "Null", "NULL")}
_WORDS |= {word: True for word in ("true", "True", "TRUE")}
_WORDS |= {word: False for word in ("false", "False", "FALSE")}

_MAX_DIGITS = 30  # no integer of 64 bits is longer; `int` refuses some thousand digits


def read_scalar(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar in the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/, section 10.3.2).

    PyYAML follows YAML 1.1: there `1e-4` is a word, `no` is false and `12:30:00` is 45000.

    Raises: ValueError, a message for the user, for an integer of more than 64 bits.
    """
    if text in _WORDS:
        return _WORDS[text]
    return next((read(text) for pattern, read in _NUMBERS.items() if pattern.fullmatch(text)), text)


def _integer(text: str, base: int = 10) -> int:
    digits = re.sub("[-+]?(0[ox])?0*", "", text, count=1) or "0"
    value = int(digits, base) * (-1 if text.startswith("-") else 1) if len(digits) <= _MAX_DIGITS else None
    if value is None or not -(2**63) <= value < 2**63:
        raise ValueError(f"expected an integer of at most 64 bits, received {shown(text)}")
    return value


_NUMBERS = {
    re.compile(r"[-+]?[0-9]+"): _integer,
    re.compile(r"0o[0-7]+"): lambda text: _integer(text, 8),
    re.compile(r"0x[0-9a-fA-F]+"): lambda text: _integer(text, 16),
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"): float,
    re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"): lambda text: float(text.replace(".", "")),
}
