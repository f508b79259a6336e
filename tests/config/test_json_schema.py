import inspect
import json
import re
from pathlib import Path

import pytest

from ganlab.cli.schema import SCHEMAS
from ganlab.config import descriptions
from ganlab.config.keras_classes import REQUIRED, activations, arguments_of
from ganlab.config.keras_schema import _OBJECTS
from ganlab.config.reader import parse_yaml, read_yaml
from ganlab.objectives import OBJECTIVES
from ganlab.sweeps.configs import is_study
from tests.config.examples import EXAMPLE, changed
from tests.config.json_schema_check import fits

ROOT = Path(__file__).parents[2]
CONFIG = SCHEMAS["config"]()
FILES = [file for folder in ("configs", "experiments") for file in sorted((ROOT / folder).rglob("*.yaml"))]
# Parts of configs, which the files that extend them complete.
PARTS = {
    file for file in FILES if file.parent.name == "base" and not re.search(r"^(loss|extends):", file.read_text(), re.M)
}


def of_objective(name: str) -> dict:
    """The schema of the configs of one objective; for any but the first, the condition under which it holds as well."""
    schema = CONFIG
    for other in [*OBJECTIVES][:0:-1]:  # the last objective's condition is the outermost
        if other == name:
            return schema["then"] | {"condition": schema["if"]}
        schema = schema["else"]
    return schema


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_schema_is_json_with_every_key_and_extends(name):
    schema = json.loads(json.dumps(CONFIG))
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
    schema = CONFIG
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
    sections = CONFIG["$defs"].items()
    assert {section for section, schema in sections if "required" in schema} == {"Phase"}  # a list is not merged


def test_the_number_of_steps_is_said_once_and_by_phases_where_there_are_any():
    needs = of_objective("gan")["else"]
    assert needs["if"] == {"not": {"required": ["phases"]}}
    lengths = needs["then"]["properties"]["train"]["oneOf"]
    assert [length["required"] for length in lengths] == [["steps"], ["epochs"]]


def kind_of(file: Path) -> str:
    return "report" if file.name == "report.yaml" else "study" if is_study(read_yaml(file).data) else "config"


@pytest.mark.parametrize("file", FILES, ids=lambda file: "/".join(file.parts[-3:]))
def test_the_files_of_the_repository_fit(file):
    schema = SCHEMAS[kind_of(file)]()
    assert fits(read_yaml(file).data, schema, schema) is (file not in PARTS)


RIGHT = [
    ("", ""),
    ("", "# yaml-language-server: $schema=ganlab.schema.json\n"),
    ("digits", "mnist"),
    ("{Adam: {learning_rate: 1e-4}}", "Adam"),
    ("1e-4", "{CosineDecay: {initial_learning_rate: 1e-3, decay_steps: 100}}"),
    ("Dense: {units: 64}", "SpectralNormalization: {layer: {Dense: {units: 64}}}"),
    ("Dense: {units: 64}", "Dense: {units: 64, kernel_initializer: {RandomNormal: {stddev: 0.02}}}"),
    ("Dense: {units: 64}", "Dense: {units: 64, kernel_initializer: he_normal, name: a, use_bias: false}"),
    ("- LeakyReLU", "- merge: Add\n          branches: {a: [Dropout: {rate: 0.1}], b: []}"),
    ("non_saturating", "{non_saturating: {real_label: [0.7, 1.2]}}"),
    ("", "labels: auxiliary\nclass_loss: {contrastive: {temperature: 0.5}}\n"),
    ("", "class_loss: cross_entropy\n"),
    ("", "metrics: [fd1k_random, is1k_classifier]\n"),
    ("", "penalty: {r1: {every: 4}, r2: null}\n"),
    (EXAMPLE, "extends: a.yaml\ntrain: {batch_size: 8}\n"),
]
# Each of these is refused by the program as well.
WRONG = [
    ("digits", "digitz"),
    ("Adam", "Adm"),
    ("learning_rate: 1e-4", "learning_rat: 1e-4"),
    ("1e-4", "{CosineDecy: {initial_learning_rate: 1e-3, decay_steps: 100}}"),
    ("1e-4", "{CosineDecay: {initial_learning_rate: 1e-3}}"),
    ("units: 64", "unitz: 64"),
    ("Dense: {units: 64}", "Dense"),
    ("LeakyReLU", "LeekyReLU"),
    ("LeakyReLU", "Lambda"),
    ("LeakyReLU", "Add"),
    ("activation: relu", "activation: rleu"),
    ("activation: relu", "use_bias: no"),
    ("Dense: {units: 64}", "SpectralNormalization: {layer: {Dense: {unitz: 64}}}"),
    ("Dense: {units: 64}", "Dense: {units: 64, kernel_initializer: {RandomNorml: {}}}"),
    ("non_saturating", "non_saturatin"),
    ("", "class_loss: {contrastive: {margin: 0.5}}\n"),
    ("", "class_loss: contrastiv\n"),
    ("", "metrics: [fid5]\n"),
    ("", "penalty: {r3: null}\n"),
    ("", "batch_size: 3\n"),
    (EXAMPLE, "extends: a.yaml\ntrain: {batchsize: 8}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), RIGHT)
def test_accepts(old, new):
    assert fits(parse_yaml(changed(old, new), "c.yaml").data, CONFIG, CONFIG)


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_refuses(old, new):
    assert not fits(parse_yaml(changed(old, new), "c.yaml").data, CONFIG, CONFIG)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("study", "matrix: {loss: [hinge]}"),
        ("study", "base: a.yaml\nmatrix: {loss: hinge}"),
        ("study", "base: a.yaml\nseed: [0]"),
        ("study", "base: a.yaml\nsearch: {metric: fd1k_classifier, space: {loss: [hinge]}}"),
        ("study", "base: a.yaml\nsearch: {metric: fd1k_classifier, trials: 3, space: {latent.dim: {rang: [1, 2]}}}"),
        ("study", "base: a.yaml\nsearch: {metric: fd1k_classifier, trials: 3, space: {latent.dim: {range: [1]}}}"),
        ("report", "score: 3"),
        ("report", "compare: {a: {kee: loss}}"),
    ],
)
def test_refuses_mistakes_in_other_files(kind, text):
    schema = SCHEMAS[kind]()
    assert not fits(parse_yaml(text, "c.yaml").data, schema, schema)


def keys_without_a_line(schema, root, above=""):
    """The keys of a schema and of the sections that it refers to, without layers and their arguments, that have no description."""
    for key, part in schema.get("properties", {}).items():
        if "description" not in part:
            yield f"{above}{key}"
        for inner in (part, part.get("items"), part.get("additionalProperties")):
            name = inner.get("$ref", "").removeprefix("#/$defs/") if isinstance(inner, dict) else ""
            if name not in ("", "Layer", "Optimizer"):
                section = root["$defs"][name]
                yield from keys_without_a_line(section.get("anyOf", [section])[-1], root, f"{above}{key}.")


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_key_is_described(kind):
    schema = SCHEMAS[kind]()
    parts = [schema, *(schema[word] for word in ("then", "else") if word in schema)]
    parts += [
        {"properties": schema["$defs"][name]["properties"]} for name in ("Penalty", "VaeOptions") if kind == "config"
    ]
    assert [key for part in parts for key in keys_without_a_line(part, schema)] == []


def test_no_line_is_about_a_key_that_does_not_exist():
    written = json.dumps([schema() for schema in SCHEMAS.values()])
    lines = [*descriptions.CONFIG.values(), *descriptions.STUDY.values(), *descriptions.REPORT.values()]
    assert [line for line in lines if json.dumps(line) not in written] == []


class TestKerasClasses:
    """The names and arguments in Keras' source are those of the imported Keras."""

    def signature(self, cls) -> dict:
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        found = [p for p in inspect.signature(cls.__init__).parameters.values() if p.kind in named]
        defaults = {p.name: REQUIRED if p.default is p.empty else p.default for p in found}
        return {name: default for name, default in defaults.items() if name not in ("self", "dtype")}

    def agree(self, classes, found) -> None:
        for name, cls in classes.items():
            for argument, default in self.signature(cls).items():
                assert found[name].pop(argument) in (default, None), (name, argument)  # None: not a literal
            assert found[name] == {}, name

    def test_of_layers(self):
        from ganlab.models.single_layers import _KNOWN, layer_names

        found = arguments_of("keras.layers", "Layer") | arguments_of("ganlab.models.layers", "Layer")
        self.agree(_KNOWN, found)
        assert sorted(CONFIG["$defs"]["SingleLayer"]["properties"]) == layer_names()

    def test_of_optimizers(self):
        from ganlab.models.building import _OPTIMIZERS

        self.agree(_OPTIMIZERS, arguments_of("keras.optimizers", "Optimizer"))
        assert CONFIG["$defs"]["Optimizer"]["anyOf"][0]["enum"] == sorted(_OPTIMIZERS)

    @pytest.mark.parametrize("end", _OBJECTS)
    def test_of_objects(self, end):
        from ganlab.models.arguments import OBJECTS

        self.agree(OBJECTS[end][1], arguments_of(*_OBJECTS[end]))

    def test_of_activations(self):
        from ganlab.models.arguments import ACTIVATIONS

        assert sorted(activations()) == sorted(ACTIVATIONS)
