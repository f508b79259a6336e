"""Writes docs/api.md: the public names of `import ganlab`, with their docstrings. `make docs` runs it; a test compares."""

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import ganlab

PAGE = Path(__file__).parent / "api.md"

HEAD = """\
# Python reference

Made by `make docs` from the program itself; do not edit. [python.md](python.md) is an introduction.
"""


def page() -> str:
    """The whole of docs/api.md."""
    parts = [HEAD]
    for name in sorted(ganlab.__all__, key=lambda name: (isinstance(getattr(ganlab, name), type), name)):
        thing = getattr(ganlab, name)
        parts.append(_entry(f"ganlab.{name}", thing, 2))
        if isinstance(thing, type):
            members = {key: value for key, value in vars(thing).items() if not key.startswith("_")}
            parts += [_entry(f"{name}.{key}", value, 3) for key, value in members.items()]
    return "\n".join(parts)


def _entry(name: str, thing: Any, level: int) -> str:
    """A heading, the signature and the docstring of a function, class or property."""
    getter = thing.fget if isinstance(thing, property) else thing.func if isinstance(thing, cached_property) else None
    signature = f" -> {inspect.signature(getter).return_annotation}" if getter else _signature(thing)
    lines = [
        f"{'#' * level} {name}",
        "",
        "```",
        f"{name}{signature}",
        "```",
        "",
        *_text(inspect.getdoc(getter or thing)),
    ]
    return "\n".join(lines) + "\n"


def _signature(thing: Any) -> str:
    """One parameter a line if the signature is long, and plain names of types."""
    signature = inspect.signature(thing)
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    plain = re.sub(r"\b(collections\.abc|typing|os)\.", "", str(signature.replace(parameters=parameters)))
    plain = re.sub(r"'([\w.]+)'(?=[^,)]*$)", r"\1", plain)  # the returned type, written as a text
    if len(plain) < 60:
        return plain
    inside, end = plain[1 : plain.rindex(")")], plain[plain.rindex(")") :]
    return "(\n" + "".join(f"    {each},\n" for each in _split(inside)) + end


def _split(parameters: str) -> Iterator[str]:
    """The parts between the commas that are in no brackets."""
    depth, start = 0, 0
    for at, letter in enumerate(parameters):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            yield parameters[start:at].strip()
            start = at + 1
    yield parameters[start:].strip()


def _text(docstring: str | None) -> Iterator[str]:
    """The lines of a docstring in Markdown: the items of `Args:` and the like become a list."""
    for line in (docstring or "").splitlines():
        if section := re.fullmatch(r"(\w+):", line):
            yield from (f"**{section[1]}**", "")
        elif item := re.fullmatch(r"    ([\w, *]+): (.*)", line):
            yield f"- `{item[1]}`: {item[2]}"
        elif line.startswith("        "):
            yield f"  {line.strip()}"  # goes on with the item
        else:
            yield line.strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
