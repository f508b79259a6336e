import json

from ganlab.config.json_schema import config_json_schema
from ganlab.config.schema import Config


def test_the_schema_is_json_with_every_key_and_extends():
    schema = json.loads(json.dumps(config_json_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == {*Config.model_fields, "extends"}
    assert schema["additionalProperties"] is False


def test_every_reference_leads_somewhere():
    schema = config_json_schema()
    text = json.dumps(schema)
    references = {part.split('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}
    assert references == set(schema["$defs"]) - {"Penalty"} | {"Penalty"}


def test_required_keys_are_asked_for_only_without_extends():
    schema = config_json_schema()
    assert "required" not in schema
    assert schema["if"] == {"required": ["extends"]}
    needs = schema["else"]
    assert needs["required"] == ["data", "latent", "generator", "discriminator", "loss", "train"]
    assert needs["properties"]["generator"]["required"] == ["layers", "optimizer"]
    assert needs["properties"]["train"]["required"] == ["batch_size"]
    assert all("required" not in section for section in schema["$defs"].values())


def test_the_names_of_layers_can_be_given():
    name, mapping, repeat, merge, phases = config_json_schema(["Dense", "Flatten"])["$defs"]["Layer"]["anyOf"]
    assert name == {"enum": ["Dense", "Flatten"]}
    assert set(mapping["properties"]) == {"Dense", "Flatten"}
    assert repeat["properties"]["layers"]["items"] == {"$ref": "#/$defs/Layer"}
    branches = merge["properties"]["branches"]["additionalProperties"]
    assert branches["items"] == phases["properties"]["layers"]["items"] == {"$ref": "#/$defs/Layer"}
    assert merge["properties"]["merge"]["anyOf"][0]["enum"][:2] == ["Add", "Attention"]
    assert config_json_schema()["$defs"]["Layer"]["anyOf"][0] == {"type": "string"}
