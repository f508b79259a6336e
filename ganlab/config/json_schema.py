"""The config language as JSON Schema (draft 2020-12), for editors that complete and check YAML files."""

from typing import Any

from ganlab.config.layers import MAX_REPEAT, MERGES
from ganlab.config.schema import Config
from ganlab.objectives import OBJECTIVES
from ganlab.objectives.gan_config import options_of
from ganlab.training.losses import LOSSES
from ganlab.training.penalties import PENALTIES

_RANGE = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_NUMBER_OR_RANGE = {"anyOf": [{"type": "number"}, _RANGE]}


def config_json_schema(layer_names: list[str] | None = None) -> dict[str, Any]:
    """The JSON Schema of a config file.

    A file with `extends` may leave out what it inherits, so required keys are asked for only without it.

    Args:
        layer_names: the layers that may stand in a network; None accepts any name.
    """
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ganlab config"}
    gan, *others = [_of_objective(name, kind.config, layer_names) for name, kind in OBJECTIVES.items()]
    definitions = {name: part for schema in (*others, gan) for name, part in schema.pop("$defs").items()}
    for name, schema in zip([*OBJECTIVES][1:], others, strict=True):
        chosen = {"anyOf": [{"const": name}, {"type": "object", "required": [name]}]}
        condition = {"required": ["objective"], "properties": {"objective": chosen}}
        gan = {"if": condition, "then": schema, "else": gan}
    return about | gan | {"$defs": definitions}


def _of_objective(name: str, config: type[Config], layer_names: list[str] | None) -> dict[str, Any]:
    """The schema of the configs of one objective."""
    schema = config.model_json_schema()
    definitions = schema["$defs"]
    definitions["Layer"] = _layer(layer_names)
    definitions["Network"]["properties"] |= {
        "layers": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Layer"}},
        "optimizer": {"anyOf": [{"type": "string"}, _one_key(_arguments())]},
    }
    schema["properties"]["extends"] = {"type": "string"}
    if (options := schema["properties"]["objective"]).pop("default", name) != name:
        written = _one_key({"anyOf": [options, {"type": "null"}]}, [name])
        schema["properties"]["objective"] = {"anyOf": [{"const": name}, written]}
    if "loss" in schema["properties"]:
        definitions.pop("Loss")
        definitions["Penalty"].pop("required")  # a weight is filled in for each penalty before it is checked
        schema["properties"] |= {"loss": _loss(), "penalty": _penalty()}
    required = [name for name in schema.pop("required") if name != "name"]
    needs: dict[str, Any] = {"required": required, "properties": {}}
    train = schema["properties"]["train"]["$ref"].removeprefix("#/$defs/")
    for name in required:
        section = definitions.get(schema["properties"][name].get("$ref", "").removeprefix("#/$defs/"), {})
        if "required" in section:
            needs["properties"][name] = {"required": section["required"]}
    for section in definitions.values():
        if section.get("title") in ("Data", "Latent", "Network", train):
            section.pop("required", None)
    lengths = {"steps": "integer", "epochs": "number"}
    one_length = [{"required": [name], "properties": {name: {"type": kind}}} for name, kind in lengths.items()]
    needs["if"] = {"not": {"required": ["phases"]}}  # each phase says its own steps
    needs["then"] = {"properties": {"train": {"oneOf": one_length}}}
    schema.pop("title")
    return schema | {"if": {"required": ["extends"]}, "then": {}, "else": needs}


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
    options = {
        "real_label": _NUMBER_OR_RANGE,
        "fake_label": _NUMBER_OR_RANGE,
        "flip_labels": {"type": "number", "minimum": 0, "maximum": 1},
        "layer": {"type": "string"},
    }
    having = [name for name in LOSSES if options_of(name)]
    forms = [
        {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {
                name: {
                    "type": ["object", "null"],
                    "properties": {key: options[key] for key in options_of(name)},
                    "additionalProperties": False,
                }
            },
        }
        for name in having
    ]
    return {"anyOf": [{"enum": [name for name in LOSSES if not LOSSES[name].reads_layer]}, *forms]}


def _penalty() -> dict[str, Any]:
    penalty = {"anyOf": [{"$ref": "#/$defs/Penalty"}, {"type": "null"}]}
    return {
        "type": ["object", "null"],
        "properties": {name: penalty for name in PENALTIES},
        "additionalProperties": False,
        "default": {},
    }
