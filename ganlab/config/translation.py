"""Checks a YAML document against a pydantic model, and puts pydantic's findings into ganlab's words."""

from collections.abc import Iterable
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ganlab.config.document import Document, Keys, shown
from ganlab.config.fields import Described, Section
from ganlab.config.schema import error_in
from ganlab.errors import did_you_mean

Root = TypeVar("Root", bound=Section)


def validate(root: type[Root], document: Document, also: Iterable[str] = ()) -> Root:
    """The document as a model; hints at unknown keys also offer `also` at the top of the file.

    Raises: ConfigError, the first mistake in the order of the document.
    """
    if not isinstance(document.root.value, dict):
        raise error_in(document, (), f"expected a mapping of keys, received {shown(document.data)}")
    try:
        return root.model_validate(document.data)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda detail: document.order(keys_of(detail)))
        raise error_in(document, keys_of(first), message_of(first, root, also)) from None


def keys_of(detail: dict[str, Any]) -> Keys:
    """The path of the value that one of pydantic's findings is about."""
    below = detail["ctx"]["keys"] if detail["type"] == "located" else ()
    return (*detail["loc"], *below)


def message_of(detail: dict[str, Any], root: type[BaseModel], also: Iterable[str] = ()) -> str:
    """One of pydantic's findings about the model `root` in ganlab's words."""
    keys, kind = keys_of(detail), detail["type"]
    if kind == "located":
        return detail["ctx"]["message"]
    if kind == "missing":
        return f"missing; expected {_words(root, keys)}"
    if kind == "extra_forbidden":
        choices = [*_section_at(root, keys[:-1]).model_fields, *(also if len(keys) == 1 else [])]
        return f"unknown key.{did_you_mean(keys[-1], choices)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"expected a mapping, received {shown(detail['input'])}"
    if kind == "list_type":
        return f"expected a list, received {shown(detail['input'])}"
    raise AssertionError(f"a field at {keys} has no words for {detail}")


def _section_at(root: type[BaseModel], keys: Keys) -> type[BaseModel]:
    """The model that describes the mapping at a path."""
    section = root
    for key in keys:
        is_open = get_origin(section) in (dict, list)  # any key, as in penalty; any index
        section = get_args(section)[-1] if is_open else section.model_fields[key].annotation
        if get_origin(section) is UnionType:  # a section or null
            section = get_args(section)[0]
    return section


def _words(root: type[BaseModel], keys: Keys) -> str:
    """What the missing field at a path is."""
    field = _section_at(root, keys[:-1]).model_fields[keys[-1]]
    described = [item.words for item in field.metadata if isinstance(item, Described)]
    if described:
        return described[0]
    parts = getattr(field.annotation, "model_fields", {})
    required = [name for name, part in parts.items() if part.is_required()]
    return f"a mapping with {' and '.join(required)}" if required else "a mapping"
