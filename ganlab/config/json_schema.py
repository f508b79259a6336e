"""The language of configs, study.yaml and report.yaml as JSON Schema (draft 2020-12), for editors."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from ganlab.config import descriptions
from ganlab.config.keras_schema import ARGUMENTS, keras_definitions, one_key
from ganlab.config.layers import MAX_REPEAT, MERGES
from ganlab.config.merging import BASE
from ganlab.config.schema import Config
from ganlab.objectives import OBJECTIVES
from ganlab.objectives.loss_config import Choice, ClassLoss, Loss
from ganlab.training.penalties import PENALTIES

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_LAYERS = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Layer"}}


def config_json_schema(datasets: Iterable[str], metrics: Iterable[str]) -> dict[str, Any]:
    """The JSON Schema of a config file.

    A file with `extends` inherits keys, so the schema requires keys only of files without `extends`.

    Args:
        datasets: the names for `data.name`.
        metrics: the names for `metrics`.
    """
    gan, *others = [_of_objective(name, kind.config) for name, kind in OBJECTIVES.items()]
    definitions = {name: part for schema in (*others, gan) for name, part in schema.pop("$defs").items()}
    definitions["Data"]["properties"]["name"]["enum"] = list(datasets)
    definitions |= keras_definitions() | {"Layer": _layer(), "Metric": {"enum": list(metrics)}}
    for name, schema in zip([*OBJECTIVES][1:], others, strict=True):
        chosen = {"anyOf": [{"const": name}, {"type": "object", "required": [name]}]}
        condition = {"required": ["objective"], "properties": {"objective": chosen}}
        gan = {"if": condition, "then": schema, "else": gan}
    return {"$schema": _DRAFT, "title": "ganlab config"} | gan | {"$defs": definitions}


def file_json_schema(title: str, model: type[BaseModel], described: Mapping[str, str]) -> dict[str, Any]:
    """The JSON Schema of another file of ganlab, whose keys are the fields of a model; `described` has a line for each."""
    schema = model.model_json_schema()
    _describe(schema, schema.get("$defs", {}), described)
    return {"$schema": _DRAFT, **schema, "title": title}


def _of_objective(name: str, config: type[Config]) -> dict[str, Any]:
    """The schema of the configs of one objective."""
    schema = config.model_json_schema()
    definitions, properties = schema["$defs"], schema["properties"]
    network = definitions.pop("Network")
    network["properties"] = {"layers": _LAYERS, "optimizer": {"$ref": "#/$defs/Optimizer"}}
    for key in config.NETWORKS:
        definitions[key.capitalize()] = copy.deepcopy(network)
        properties[key] = {"$ref": f"#/$defs/{key.capitalize()}"}
    properties["metrics"] = {"anyOf": [{"const": "auto"}, {"type": "array", "items": {"$ref": "#/$defs/Metric"}}]}
    properties["extends"] = {"type": "string"}
    if section := properties["objective"].get("$ref"):
        options = definitions.pop(section.removeprefix("#/$defs/"))["properties"][name]
        _describe({"properties": {name: options}}, definitions, descriptions.CONFIG, "objective.")
        written = one_key({"anyOf": [options, {"type": "null"}]}, [name])
        properties["objective"] = {"anyOf": [{"const": name}, written]}
    if "loss" in properties:
        definitions["Penalty"].pop("required")  # each penalty has a default weight
        _describe(definitions["Penalty"], definitions, descriptions.CONFIG, "penalty.NAME.")
        penalty = {"anyOf": [{"$ref": "#/$defs/Penalty"}, {"type": "null"}]}
        for key, kind in (("loss", Loss), ("class_loss", ClassLoss)):
            properties[key] = _choice(key, kind, definitions)
        properties["penalty"] = _mapping(dict.fromkeys(PENALTIES, penalty)) | {"default": {}}
    _describe(schema, definitions, descriptions.CONFIG)
    schema.pop("title")
    required = [key for key in schema.pop("required") if key != "name"]
    return schema | {"if": {"required": ["extends"]}, "then": {}, "else": _needs(required, properties, definitions)}


def _describe(
    schema: dict[str, Any], definitions: dict[str, Any], described: Mapping[str, str], above: str = ""
) -> None:
    """Writes the line about each key below `above` into a schema, and into the definitions that it refers to."""
    for key, part in schema["properties"].items():
        if line := described.get(f"{above}{key}"):
            part["description"] = line
        parts = (part, "."), (part.get("items"), "[]."), (part.get("additionalProperties"), ".NAME.")
        parts += tuple((choice, ".") for choice in part.get("anyOf", ()))  # a section or null
        for inner, end in parts:
            reference = inner.get("$ref", "") if isinstance(inner, dict) else ""
            section = definitions.get(reference.removeprefix("#/$defs/"), {})
            is_described = any(line.startswith(f"{above}{key}{end}") for line in described)  # a section may hold itself
            if "properties" in section and is_described:
                _describe(section, definitions, described, f"{above}{key}{end}")


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


def _layer() -> dict[str, Any]:
    """A layer, one of the three groups, or the layers of an extended file."""
    phases = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "integer", "minimum": 1}}
    branch = {"type": "array", "items": {"$ref": "#/$defs/Layer"}}
    branches = {"type": "object", "minProperties": 2, "additionalProperties": branch}
    merges = {"anyOf": [{"enum": list(MERGES)}, one_key(ARGUMENTS, list(MERGES))]}
    groups = (
        {"repeat": {"type": "integer", "minimum": 1, "maximum": MAX_REPEAT}, "layers": _LAYERS},
        {"merge": merges, "branches": branches},
        {"phases": phases, "layers": _LAYERS},
    )
    closed = {"type": "object", "additionalProperties": False}
    groups = [closed | {"properties": group, "required": list(group)} for group in groups]
    drop = {"type": "integer", "minimum": 0}
    inherited = {"anyOf": [{"const": BASE}, one_key(_mapping({"drop_first": drop, "drop_last": drop}), [BASE])]}
    return {"anyOf": [{"$ref": "#/$defs/LayerName"}, {"$ref": "#/$defs/SingleLayer"}, *groups, inherited]}


def _choice(key: str, kind: type[Choice], definitions: dict[str, Any]) -> dict[str, Any]:
    """A row of a registry: its name, or a mapping of its name to some of its options."""
    section = definitions.pop(kind.__name__)
    _describe(section, definitions, descriptions.CONFIG, f"{key}.NAME.")
    names = {name: kind.options_of(name) for name in kind.ROWS}
    forms = [
        one_key(_mapping({option: section["properties"][option] for option in options}), [name])
        for name, options in names.items()
        if options
    ]
    return {"anyOf": [{"enum": [name for name, options in names.items() if "layer" not in options]}, *forms]}
