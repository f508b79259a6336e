"""Turns pydantic's findings into one line in ganlab's form."""

from typing import Any, get_args, get_origin

from pydantic import ValidationError

from ganlab.config.document import Document, Keys, shown
from ganlab.config.fields import Described, Section
from ganlab.config.schema import Config, error_in
from ganlab.errors import ConfigError, did_you_mean


def config_error(error: ValidationError, document: Document) -> ConfigError:
    """The first mistake in the order of the document."""
    details = error.errors(include_url=False)
    first = min(details, key=lambda detail: document.order(_keys(detail)))
    return error_in(document, _keys(first), _message(first))


def _keys(detail: dict[str, Any]) -> Keys:
    below = detail["ctx"]["keys"] if detail["type"] == "located" else ()
    return (*detail["loc"], *below)


def _message(detail: dict[str, Any]) -> str:
    keys, kind = _keys(detail), detail["type"]
    if kind == "located":
        return detail["ctx"]["message"]
    if kind == "missing":
        return f"missing; expected {_words(keys)}"
    if kind == "extra_forbidden":
        choices = [*_section_at(keys[:-1]).model_fields, *(["extends"] if len(keys) == 1 else [])]
        return f"unknown key.{did_you_mean(keys[-1], choices)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"expected a mapping, received {shown(detail['input'])}"
    if kind == "list_type":
        return f"expected a list, received {shown(detail['input'])}"
    raise AssertionError(f"a field at {keys} has no words for {detail}") from None


def _section_at(keys: Keys) -> type[Section]:
    """The model that describes the mapping at a path."""
    section = Config
    for key in keys:
        is_open = get_origin(section) is dict  # any key, as in penalty
        section = get_args(section)[1] if is_open else section.model_fields[key].annotation
    return section


def _words(keys: Keys) -> str:
    """What the missing field at a path is."""
    field = _section_at(keys[:-1]).model_fields[keys[-1]]
    described = [item.words for item in field.metadata if isinstance(item, Described)]
    if described:
        return described[0]
    required = [name for name, part in field.annotation.model_fields.items() if part.is_required()]
    return f"a mapping with {' and '.join(required)}"
