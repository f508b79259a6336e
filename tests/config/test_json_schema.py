import json

import pytest

from ganlab.config.json_schema import config_json_schema
from ganlab.objectives import OBJECTIVES


def of_objective(name: str) -> dict:
    """The schema of the configs of one objective; for any but the first, the condition under which it holds as well."""
    schema = config_json_schema()
    for other in [*OBJECTIVES][:0:-1]:  # the last objective's condition is the outermost
        if other == name:
            return schema["then"] | {"condition": schema["if"]}
        schema = schema["else"]
    return schema


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_schema_is_json_with_every_key_and_extends(name):
    schema = json.loads(json.dumps(config_json_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    found = of_objective(name)
    assert set(found["properties"]) == {*OBJECTIVES[name].config.model_fields, "extends"}
    assert found["additionalProperties"] is False


def test_a_config_is_of_the_objective_that_it_names_and_a_gan_if_it_names_none():
    chosen = {"anyOf": [{"const": "vae"}, {"type": "object", "required": ["vae"]}]}
    assert of_objective("vae")["condition"] == {"required": ["objective"], "properties": {"objective": chosen}}


def test_an_objective_is_its_name_or_a_mapping_of_its_options():
    name, mapping = of_objective("vae")["properties"]["objective"]["anyOf"]
    assert name == {"const": "vae"}
    assert mapping["properties"] == {"vae": {"anyOf": [{"$ref": "#/$defs/VaeOptions"}, {"type": "null"}]}}
    assert mapping["additionalProperties"] is False
    assert of_objective("gan")["properties"]["objective"]["const"] == "gan"


def test_every_reference_leads_somewhere_and_no_definition_is_left_over():
    schema = config_json_schema()
    text = json.dumps(schema)
    references = {part.split('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}
    assert references == set(schema["$defs"])


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("gan", {"data", "latent", "generator", "discriminator", "loss", "train"}),
        ("vae", {"objective", "data", "latent", "encoder", "generator", "train"}),
    ],
)
def test_required_keys_are_asked_for_only_without_extends(name, required):
    schema = of_objective(name)
    assert "required" not in schema
    assert schema["if"] == {"required": ["extends"]}
    needs = schema["else"]
    assert set(needs["required"]) == required
    assert needs["properties"]["generator"]["required"] == ["layers", "optimizer"]
    assert needs["properties"]["train"]["required"] == ["batch_size"]
    sections = config_json_schema()["$defs"].items()
    assert {section for section, schema in sections if "required" in schema} == {"Phase"}  # a list is not merged


def test_the_number_of_steps_is_said_once_and_by_phases_where_there_are_any():
    needs = of_objective("gan")["else"]
    assert needs["if"] == {"not": {"required": ["phases"]}}
    lengths = needs["then"]["properties"]["train"]["oneOf"]
    assert [length["required"] for length in lengths] == [["steps"], ["epochs"]]


def test_the_names_of_layers_can_be_given():
    name, mapping, repeat, merge, phases = config_json_schema(["Dense", "Flatten"])["$defs"]["Layer"]["anyOf"]
    assert name == {"enum": ["Dense", "Flatten"]}
    assert set(mapping["properties"]) == {"Dense", "Flatten"}
    assert repeat["properties"]["layers"]["items"] == {"$ref": "#/$defs/Layer"}
    branches = merge["properties"]["branches"]["additionalProperties"]
    assert branches["items"] == phases["properties"]["layers"]["items"] == {"$ref": "#/$defs/Layer"}
    assert merge["properties"]["merge"]["anyOf"][0]["enum"][:2] == ["Add", "Attention"]
    assert config_json_schema()["$defs"]["Layer"]["anyOf"][0] == {"type": "string"}
