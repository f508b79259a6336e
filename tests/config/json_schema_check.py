"""The part of JSON Schema (draft 2020-12) that `ganlab schema` uses, so that tests need no further package."""

import re
from typing import Any

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
_SAID = {"$schema", "$defs", "title", "description", "default", "then", "else"}  # `then` and `else` belong to `if`


def fits(value: Any, schema: dict[str, Any] | bool, root: dict[str, Any]) -> bool:
    """Whether a value is valid. Raises: KeyError for a keyword that is not known here."""
    if isinstance(schema, bool):
        return schema
    return all(RULES[word](value, schema[word], schema, root) for word in schema if word not in _SAID)


def _has_type(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _equal(value: Any, other: Any) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _if(value, condition, schema, root):
    branch = "then" if fits(value, condition, root) else "else"
    return fits(value, schema.get(branch, True), root)


def _more(value, more, schema, root):
    rest = value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ()
    return all(fits(value[key], more, root) for key in rest)


def _each(value, items, schema, root):
    return not isinstance(value, list) or all(fits(item, items, root) for item in value)


def _properties(value, parts, schema, root):
    return not isinstance(value, dict) or all(fits(value[key], parts[key], root) for key in parts if key in value)


def _is(value, kind, test):
    return not _has_type(value, kind) or test()


RULES = {
    "$ref": lambda v, name, s, root: fits(v, root["$defs"][name.removeprefix("#/$defs/")], root),
    "type": lambda v, names, s, root: any(_has_type(v, n) for n in ([names] if isinstance(names, str) else names)),
    "enum": lambda v, values, s, root: any(_equal(v, each) for each in values),
    "const": lambda v, other, s, root: _equal(v, other),
    "anyOf": lambda v, forms, s, root: any(fits(v, form, root) for form in forms),
    "oneOf": lambda v, forms, s, root: sum(fits(v, form, root) for form in forms) == 1,
    "not": lambda v, form, s, root: not fits(v, form, root),
    "if": _if,
    "properties": _properties,
    "additionalProperties": _more,
    "required": lambda v, keys, s, root: not isinstance(v, dict) or set(keys) <= v.keys(),
    "items": _each,
    "minItems": lambda v, least, s, root: _is(v, "array", lambda: len(v) >= least),
    "maxItems": lambda v, most, s, root: _is(v, "array", lambda: len(v) <= most),
    "uniqueItems": lambda v, unique, s, root: _is(v, "array", lambda: all(v.count(item) == 1 for item in v)),
    "minProperties": lambda v, least, s, root: _is(v, "object", lambda: len(v) >= least),
    "maxProperties": lambda v, most, s, root: _is(v, "object", lambda: len(v) <= most),
    "minLength": lambda v, least, s, root: _is(v, "string", lambda: len(v) >= least),
    "maxLength": lambda v, most, s, root: _is(v, "string", lambda: len(v) <= most),
    "pattern": lambda v, text, s, root: _is(v, "string", lambda: re.search(text, v) is not None),
    "minimum": lambda v, least, s, root: _is(v, "number", lambda: v >= least),
    "maximum": lambda v, most, s, root: _is(v, "number", lambda: v <= most),
    "exclusiveMinimum": lambda v, least, s, root: _is(v, "number", lambda: v > least),
    "exclusiveMaximum": lambda v, most, s, root: _is(v, "number", lambda: v < most),
}
