"""The config language as JSON Schema (draft 2020-12), for editors that complete and check YAML files."""

from typing import Any

from ganlab.config.layers import MAX_REPEAT, MERGES
from ganlab.config.schema import Config
from ganlab.objectives import OBJECTIVES
from ganlab.objectives.gan_config import options_of
from ganlab.training.losses import LOSSES
from ganlab.training.penalties import PENALTIES

_ARGUMENTS = {"type": ["object", "null"]}
_ITEMS = {"$ref": "#/$defs/Layer"}
_LAYERS = {"type": "array", "minItems": 1, "items": _ITEMS}


def config_json_schema(layer_names: list[str] | None = None) -> dict[str, Any]:
    """The JSON Schema of a config file; with `layer_names`, networks may have these layers only.

    A file with `extends` inherits keys, so the schema requires keys only of files without `extends`.
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
    definitions, properties = schema["$defs"], schema["properties"]
    definitions["Layer"] = _layer(layer_names)
    optimizer = {"anyOf": [{"type": "string"}, _one_key(_ARGUMENTS)]}
    definitions["Network"]["properties"] |= {"layers": _LAYERS, "optimizer": optimizer}
    properties["extends"] = {"type": "string"}
    if section := properties["objective"].get("$ref"):
        options = definitions.pop(section.removeprefix("#/$defs/"))["properties"][name]
        written = _one_key({"anyOf": [options, {"type": "null"}]}, [name])
        properties["objective"] = {"anyOf": [{"const": name}, written]}
    if "loss" in properties:
        definitions["Penalty"].pop("required")  # each penalty has a default weight
        penalty = {"anyOf": [{"$ref": "#/$defs/Penalty"}, {"type": "null"}]}
        properties["loss"] = _loss(definitions.pop("Loss")["properties"])
        properties["penalty"] = _mapping(dict.fromkeys(PENALTIES, penalty)) | {"default": {}}
    schema.pop("title")
    required = [key for key in schema.pop("required") if key != "name"]
    return schema | {"if": {"required": ["extends"]}, "then": {}, "else": _needs(required, properties, definitions)}


def _needs(required: list[str], properties: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The keys that a config without `extends` must have. The lists of its sections move here."""
    references = {name: properties[name].get("$ref", "").removeprefix("#/$defs/") for name in required}
    sections = {name: definitions[reference] for name, reference in references.items() if reference in definitions}
    keys = {name: {"required": section["required"]} for name, section in sections.items() if "required" in section}
    for section in sections.values():
        section.pop("required", None)
    lengths = {"steps": "integer", "epochs": "number"}
    one_length = [{"required": [name], "properties": {name: {"type": kind}}} for name, kind in lengths.items()]
    without_phases = {"not": {"required": ["phases"]}}  # each phase says its own steps
    length = {"properties": {"train": {"oneOf": one_length}}}
    return {"required": required, "properties": keys, "if": without_phases, "then": length}


def _mapping(properties: dict[str, Any]) -> dict[str, Any]:
    """A mapping with some of these keys, or null."""
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _one_key(values: dict[str, Any], names: list[str] | None = None) -> dict[str, Any]:
    """A mapping with one key: any, or one out of `names`."""
    shape = {"type": "object", "minProperties": 1, "maxProperties": 1}
    if names is None:
        return shape | {"additionalProperties": values}
    return shape | {"additionalProperties": False, "properties": dict.fromkeys(names, values)}


def _layer(names: list[str] | None) -> dict[str, Any]:
    """A layer, or one of the three groups."""
    phases = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "integer", "minimum": 1}}
    branches = {"type": "object", "minProperties": 2, "additionalProperties": {"type": "array", "items": _ITEMS}}
    merges = {"anyOf": [{"enum": list(MERGES)}, _one_key(_ARGUMENTS, list(MERGES))]}
    groups = (
        {"repeat": {"type": "integer", "minimum": 1, "maximum": MAX_REPEAT}, "layers": _LAYERS},
        {"merge": merges, "branches": branches},
        {"phases": phases, "layers": _LAYERS},
    )
    closed = {"type": "object", "additionalProperties": False}
    name = {"type": "string"} if names is None else {"enum": names}
    return {
        "anyOf": [
            name,
            _one_key(_ARGUMENTS, names),
            *(closed | {"properties": group, "required": list(group)} for group in groups),
        ]
    }


def _loss(options: dict[str, Any]) -> dict[str, Any]:
    """A loss: its name, or a mapping of its name to some of its options."""
    forms = [
        _one_key(_mapping({key: options[key] for key in options_of(name)}), [name])
        for name in LOSSES
        if options_of(name)
    ]
    return {"anyOf": [{"enum": [name for name in LOSSES if not LOSSES[name].reads_layer]}, *forms]}
