"""The config language as JSON Schema (draft 2020-12), for editors that complete and check YAML files."""

from typing import Any

from ganlab.config.layers import MAX_REPEAT, MERGES
from ganlab.config.objective import LABELLED_LOSSES, LOSSES, PENALTY_WEIGHTS
from ganlab.config.schema import Config

_RANGE = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_NUMBER_OR_RANGE = {"anyOf": [{"type": "number"}, _RANGE]}


def config_json_schema(layer_names: list[str] | None = None) -> dict[str, Any]:
    """The JSON Schema of a config file.

    A file with `extends` may leave out what it inherits, so required keys are asked for only without it.

    Args:
        layer_names: the layers that may stand in a network; None accepts any name.
    """
    schema = Config.model_json_schema()
    definitions = schema["$defs"]
    definitions.pop("Loss")
    definitions["Layer"] = _layer(layer_names)
    definitions["Network"]["properties"] |= {
        "layers": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Layer"}},
        "optimizer": {"anyOf": [{"type": "string"}, _one_key(_arguments())]},
    }
    definitions["Penalty"].pop("required")  # a weight is filled in for each penalty before it is checked
    schema["properties"] |= {"loss": _loss(), "penalty": _penalty(), "extends": {"type": "string"}}
    required = [name for name in schema.pop("required") if name != "name"]
    needs = {"required": required, "properties": {}}
    for name in required:
        section = definitions.get(schema["properties"][name].get("$ref", "").removeprefix("#/$defs/"), {})
        if "required" in section:
            needs["properties"][name] = {"required": section["required"]}
    for section in definitions.values():
        if section.get("title") in ("Data", "Latent", "Network", "Train"):
            section.pop("required", None)
    lengths = {"steps": "integer", "epochs": "number"}
    needs["properties"]["train"]["oneOf"] = [
        {"required": [name], "properties": {name: {"type": kind}}} for name, kind in lengths.items()
    ]
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ganlab config"}
    return (
        about
        | {key: value for key, value in schema.items() if key != "title"}
        | {
            "if": {"required": ["extends"]},
            "then": {},
            "else": needs,
        }
    )


def _arguments() -> dict[str, Any]:
    return {"type": ["object", "null"]}


def _one_key(values: dict[str, Any], names: list[str] | None = None) -> dict[str, Any]:
    """A mapping with one key: any, or one out of `names`."""
    shape = {"type": "object", "minProperties": 1, "maxProperties": 1}
    if names is None:
        return shape | {"additionalProperties": values}
    return shape | {"additionalProperties": False, "properties": {name: values for name in names}}


def _layer(names: list[str] | None) -> dict[str, Any]:
    items = {"$ref": "#/$defs/Layer"}
    layers = {"type": "array", "minItems": 1, "items": items}
    phases = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "integer", "minimum": 1}}
    branches = {"type": "object", "minProperties": 2, "additionalProperties": {"type": "array", "items": items}}
    merges = {"anyOf": [{"enum": list(MERGES)}, _one_key(_arguments(), list(MERGES))]}
    groups = [
        {"repeat": {"type": "integer", "minimum": 1, "maximum": MAX_REPEAT}, "layers": layers},
        {"merge": merges, "branches": branches},
        {"phases": phases, "layers": layers},
    ]
    name = {"type": "string"} if names is None else {"enum": names}
    return {"anyOf": [name, _one_key(_arguments(), names), *map(_group, groups)]}


def _group(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _loss() -> dict[str, Any]:
    labels = {
        "type": ["object", "null"],
        "properties": {
            "real_label": _NUMBER_OR_RANGE,
            "fake_label": _NUMBER_OR_RANGE,
            "flip_labels": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "additionalProperties": False,
    }
    return {"anyOf": [{"enum": list(LOSSES)}, _one_key(labels, list(LABELLED_LOSSES))]}


def _penalty() -> dict[str, Any]:
    penalty = {"anyOf": [{"$ref": "#/$defs/Penalty"}, {"type": "null"}]}
    properties = {name: penalty for name in PENALTY_WEIGHTS}
    return {
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
        "default": {},
    }
