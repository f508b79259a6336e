import json

import pytest

from ganlab.config.reader import parse_yaml
from ganlab.reports.settings import chosen, flatten, keys_named, settings_of, short_keys, varied
from ganlab.runs.records import read_run
from tests.run_folders import write_json, write_run


def flat(text: str) -> dict:
    return dict(flatten(parse_yaml(text, "x.yaml").data))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {b: 1, c: null}", {"a.b": 1, "a.c": None}),
        ("loss: hinge", {"loss": "hinge"}),
        ("loss: {hinge: {real_label: 0.9}}", {"loss": "hinge", "loss.hinge.real_label": 0.9}),
        ("o: {Adam: {}}", {"o": "Adam"}),
        ("penalty: {}", {"penalty": None}),
        ("penalty: {r1: {weight: 1}, dragan: {weight: 2}}", {
            "penalty": "r1, dragan", "penalty.r1.weight": 1, "penalty.dragan.weight": 2,
        }),
        ("grid: [5, 5]", {"grid": [5, 5]}),
        ("layers: [Flatten, {Dense: {units: 1}}]", {
            "layers[0]": "Flatten", "layers[1]": "Dense", "layers[1].Dense.units": 1,
        }),
    ],
)  # fmt: skip
def test_a_config_is_flat_and_a_choice_has_its_name(text, expected):
    assert flat(text) == expected


def test_keys_that_change_no_training_are_left_out(tmp_path):
    written = (
        "output: {grid: [2, 2]}\nmetrics: [fd1k]\ntrack: mlflow\njit: true\ndevices: 2\n"
        "data: {name: digits, source: x, limit: 9}\n"
    )
    (settings,), _ = settings_of([read_run(write_run(tmp_path, written=written, device="gpu"))])
    assert settings == {
        "steps": 1500,
        "latent.dim": 64,
        "latent.distribution": "normal",
        "generator.layers[0]": "Dense",
        "generator.layers[0].Dense.units": 64,
        "generator.layers[1]": "Reshape",
        "generator.layers[1].Reshape.target_shape": [8, 8, 1],
        "generator.optimizer": "Adam",
        "generator.optimizer.Adam.learning_rate": 0.001,
        "train.batch_size": 32,
        "data.name": "digits",
        "data.limit": 9,
        "jit": True,
        "device": "gpu",
    }


def test_a_run_in_training_has_the_steps_of_its_status(tmp_path):
    assert settings_of([read_run(write_run(tmp_path, status="running", with_summary=False))])[0][0]["steps"] == 1500


def test_a_run_that_diverged_was_to_take_as_many_steps_as_the_others(tmp_path):
    folder = write_run(tmp_path, status="diverged")
    summary = json.loads((folder / "summary.json").read_text())
    write_json(folder / "summary.json", summary | {"steps": 20})
    assert settings_of([read_run(folder)])[0][0]["steps"] == 1500


def test_the_runs_of_a_cell_share_a_config_and_have_their_own_devices(tmp_path):
    runs = [write_run(tmp_path, seed=seed, device=f"gpu{seed}") for seed in range(3)]
    (runs[0] / "config.yaml").write_text("a: [")
    (runs[2] / "config.yaml").write_text("- 1")  # nobody needs this one
    settings, problems = settings_of([read_run(run) for run in runs])
    assert [(each["device"], each["train.batch_size"]) for each in settings] == [
        (f"gpu{seed}", 32) for seed in range(3)
    ]
    assert len(problems) == 1 and problems[0].startswith(f"{runs[0] / 'config.yaml'}:")


CASES = {
    "three runs of one config": (
        ["latent: {distribution: uniform}", "latent: {distribution: normal}", "latent: {distribution: normal}"],
        [{"latent.distribution": "uniform"}, {"latent.distribution": "normal"}, {"latent.distribution": "normal"}],
    ),
    "another choice hides its arguments": (
        ["loss: {minimax: {real_label: 1.0}}", "loss: {hinge: {}}"],
        [{"loss": "minimax"}, {"loss": "hinge"}],
    ),
    "arguments of one choice": (
        ["loss: {minimax: {real_label: 1.0}}", "loss: {minimax: {real_label: 0.9}}", "loss: {hinge: {}}"],
        [
            {"loss": "minimax", "loss.minimax.real_label": "1.0"},
            {"loss": "minimax", "loss.minimax.real_label": "0.9"},
            {"loss": "hinge", "loss.minimax.real_label": ""},
        ],
    ),
    "a penalty or none": (["penalty: {r1: {weight: 1}}", "penalty: {}"], [{"penalty": "r1"}, {"penalty": ""}]),
    "both networks learn at one rate": (
        [
            f"generator: {{optimizer: {{Adam: {{rate: {r}}}}}}}\nother: {{optimizer: {{Adam: {{rate: {r}}}}}}}"
            for r in (1, 2)
        ],
        [{"generator.optimizer.Adam.rate": "1"}, {"generator.optimizer.Adam.rate": "2"}],
    ),
    "an argument of a layer": (
        ["generator: {layers: [{Dense: {units: 1}}]}", "generator: {layers: [{Dense: {units: 2}}]}"],
        [{"generator.layers[0].Dense.units": "1"}, {"generator.layers[0].Dense.units": "2"}],
    ),
    "a further layer": (
        ["generator: {layers: [{Dense: {units: 1}}]}", "generator: {layers: [{Dense: {units: 1}}, ReLU]}"],
        [{"generator.layers[1]": ""}, {"generator.layers[1]": "ReLU"}],
    ),
    "other networks are numbered": (
        [f"generator: {{layers: [{', '.join(layers)}]}}" for layers in (["A"] * 6, ["B"] * 6, ["A"] * 6)],
        [{"generator": "network 1"}, {"generator": "network 2"}, {"generator": "network 1"}],
    ),
    "a further item": (["words: [flip]", "words: [flip, color]"], [{"words[1]": ""}, {"words[1]": "color"}]),
    "a list that an earlier version did not write": (["a: 1", "a: 1\nwords: [flip]\nrate: 2"], [{}, {}]),
    "nothing": (["a: 1", "a: 1"], [{}, {}]),
}


@pytest.mark.parametrize("case", CASES)
def test_settings_that_differ_are_found(case):
    texts, expected = CASES[case]
    assert varied([flat(text) for text in texts]) == expected


def test_every_heading_names_its_setting():
    layers = ("{Dense: {units: 1}}, " * 6, "ReLU, " * 6)
    texts = [
        f"generator: {{layers: [{layers[row % 2]}], o: {{Adam: {{rate: {row}}}}}}}\n"
        f"other: {{layers: [{{Conv2D: {{filters: {row}}}}}], o: {{Adam: {{rate: {2 * row}}}}}}}\ntrain: {{size: {row % 2}}}"
        for row in range(4)
    ]
    settings = [flat(text) for text in texts]
    heads = short_keys(list(varied(settings)[0]))
    assert list(heads.values()) == ["generator", "generator.rate", "filters", "other.rate", "size"]
    assert chosen(settings, list(heads.values())) == varied(settings)


def test_of_the_keys_with_one_end_the_different_ones_are_meant():
    texts = ["a: {rate: 1}\nb: {rate: 3}\nc: {rate: 3}", "a: {rate: 2}\nb: {rate: 3}\nc: {rate: 3}"]
    settings = [flat(text) for text in texts]
    assert keys_named("rate", settings) == ["a.rate"]
    assert keys_named("rate", settings[:1]) == ["a.rate", "b.rate"]  # nothing differs


def test_a_key_is_as_short_as_the_others_allow():
    keys = [
        "train.batch_size",
        "generator.o.Adam.rate",
        "generator.o.SGD.rate",
        "other.o.Adam.rate",
        "other.o.Adam.beta",
    ]
    assert list(short_keys(keys).values()) == [
        "batch_size",
        "generator.o.Adam.rate",
        "SGD.rate",
        "other.rate",
        "beta",
    ]


def test_a_key_has_no_heading_that_the_table_has_itself():
    assert short_keys(["phases[0].steps", "a.Dense.name"], ("steps", "name")) == {
        "phases[0].steps": "phases[0].steps",
        "a.Dense.name": "a.name",
    }


def test_a_layer_keeps_the_name_of_its_network():
    keys = ["encoder.layers[1]", "discriminator.layers[2]", "encoder.layers[1].layers[2]", "encoder.layers[2]"]
    assert list(short_keys(keys).values()) == keys


def test_a_run_without_a_summary_has_the_device_of_its_environment(tmp_path):
    folder = write_run(tmp_path, status="failed", with_summary=False)
    assert settings_of([read_run(folder)])[0][0]["device"] == "cpu"
    for content in ("{", "[1]", '{"device": 3}'):
        (folder / "environment.json").write_text(content)
        assert "device" not in settings_of([read_run(folder)])[0][0]
