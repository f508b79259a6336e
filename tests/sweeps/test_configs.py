import textwrap
from pathlib import Path

import pytest

from ganlab.errors import ConfigError
from ganlab.sweeps.configs import configs_of
from tests.sweeps.examples import write_config, write_study


def labels(configs):
    return [(config.name, config.seed) for config in configs]


def lines(problems):
    return [str(problem) for problem in problems]


def test_a_folder_gives_each_of_its_configs(tmp_path):
    write_config(tmp_path, "b.yaml", "name: tiny", "name: b")
    write_config(tmp_path, "a.yaml", "name: tiny", "name: a\nseed: 7")
    write_config(tmp_path / "base", "c.yaml")
    configs, problems = configs_of(tmp_path)
    assert labels(configs) == [("a", 7), ("b", 0)] and problems == []


def test_a_config_that_extends_another_is_no_study(tmp_path):
    write_config(tmp_path / "base")
    (tmp_path / "a.yaml").write_text("extends: base/tiny.yaml\ntrain: {batch_size: 8}\n")
    (config,), _ = configs_of(tmp_path / "a.yaml")
    assert (config.name, config.train.batch_size) == ("a", 8)


def test_a_study_gives_its_cells_once_a_seed(tmp_path):
    path = write_study(tmp_path, "matrix: {train.batch_size: [8, 16]}\nseeds: [0, 1]")
    configs, problems = configs_of(path)
    assert problems == []
    assert labels(configs) == [(f"tiny-batch={size}", seed) for size in (8, 16) for seed in (0, 1)]
    assert [config.train.batch_size for config in configs] == [8, 8, 16, 16]
    assert labels(configs_of(tmp_path)[0]) == labels(configs), "the folder of a study is the study"


def test_a_value_may_be_another_choice(tmp_path):
    path = write_study(
        tmp_path, "matrix: {generator.optimizer: [{RMSprop: {learning_rate: 1e-4}}, {Adam: {beta_1: 0.5}}]}"
    )
    configs, _ = configs_of(path)
    optimizers = [config.generator.optimizer for config in configs]
    assert optimizers == [{"RMSprop": {"learning_rate": 1e-4}}, {"Adam": {"beta_1": 0.5}}]
    assert [config.name for config in configs] == [
        "tiny-optimizer=RMSprop_lr_1e-4",
        "tiny-optimizer=Adam_beta_1_0.5",
    ]


def test_seeds_of_the_command_line_come_before_those_of_the_study(tmp_path):
    path = write_study(tmp_path, "seeds: [0, 1]")
    assert labels(configs_of(path, seeds=[5])[0]) == [("tiny", 5)]
    assert labels(configs_of(write_config(tmp_path), seeds=[0, 1])[0]) == [("tiny", 0), ("tiny", 1)]


def test_an_override_reaches_every_config(tmp_path):
    path = write_study(tmp_path, "matrix: {train.batch_size: [8, 16]}")
    assert {config.train.steps for config in configs_of(path, ["train.steps=5"])[0]} == {5}


@pytest.mark.parametrize("option", ["train.batch_size=4", "train={steps: 1, batch_size: 4}"])
def test_an_override_of_what_the_study_varies_is_a_mistake(tmp_path, option):
    path = write_study(tmp_path, "matrix: {train.batch_size: [8, 16]}")
    configs, problems = configs_of(path, [option])
    key = option.partition("=")[0]
    assert configs == [] and lines(problems) == [f"-o {option}: {key}: this key is varied at {path}:2:29"]


def test_a_wrong_value_is_located_in_the_study(tmp_path):
    path = write_study(tmp_path, "matrix:\n  train.batch_size: [8, 0]\n  loss: [hinge, hing]")
    configs, problems = configs_of(path)
    assert len(configs) == 1
    batch = f"{path}:3:25: train.batch_size: expected an integer >= 1, received 0"
    assert lines(problems)[1] == batch
    assert lines(problems)[0].startswith(f"{path}:4:17: loss: ") and "'hing'" in lines(problems)[0]


def test_an_unknown_key_of_a_matrix_is_located_in_the_study(tmp_path):
    path = write_study(tmp_path, "matrix: {train.batch_sise: [8]}")
    _, (problem,) = configs_of(path)
    assert str(problem) == f"{path}:2:29: train.batch_sise: unknown key. Did you mean 'batch_size'?"


def test_a_wrong_config_does_not_hide_the_others(tmp_path):
    write_config(tmp_path, "a.yaml", "latent: {dim: 4}", "latent: {dim: 0}")
    write_config(tmp_path, "b.yaml", "name: tiny", "name: b")
    (tmp_path / "c.yaml").write_text("matrix: {a: [1]}\n")
    configs, problems = configs_of(tmp_path)
    assert labels(configs) == [("b", 0)]
    assert lines(problems) == [
        f"{tmp_path}/a.yaml:3:10: latent.dim: expected an integer >= 1, received 0",
        f"{tmp_path}/c.yaml:1:1: base: missing; expected the path of the config that is varied",
    ]


def test_an_empty_folder_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError, match=r"no .*yaml file in this folder"):
        configs_of(tmp_path)


def test_the_example_study_is_read():
    configs, problems = configs_of(Path(__file__).parents[2] / "experiments" / "quickstart_study")
    assert problems == [] and len(configs) == 12 and {config.train.steps for config in configs} == {1000}
    assert configs[0].name == "short-g_lr=2e-4,d_lr=2e-4"


def test_one_value_of_a_label_sets_several_keys(tmp_path):
    adam, rmsprop = "{Adam: {beta_1: 0.5}}", "{RMSprop: {learning_rate: 1e-4}}"
    both = ", ".join(f"{{generator.optimizer: {it}, discriminator.optimizer: {it}}}" for it in (adam, rmsprop))
    critic = "{loss: wasserstein, clip_weights: 0.01, train.discriminator_steps: 5}, {loss: hinge}"
    path = write_study(tmp_path, f"matrix: {{optimizer: [{both}], critic: [{critic}]}}")
    configs, problems = configs_of(path)
    assert problems == []
    assert [config.name for config in configs] == [
        "tiny-optimizer=Adam_beta_1_0.5,critic=wasserstein_0.01_5",
        "tiny-optimizer=Adam_beta_1_0.5,critic=hinge",
        "tiny-optimizer=RMSprop_lr_1e-4,critic=wasserstein_0.01_5",
        "tiny-optimizer=RMSprop_lr_1e-4,critic=hinge",
    ]
    assert [config.generator.optimizer for config in configs[::2]] == [
        {"Adam": {"beta_1": 0.5}},
        {"RMSprop": {"learning_rate": 1e-4}},
    ]
    assert [config.generator.optimizer == config.discriminator.optimizer for config in configs] == [True] * 4
    assert [(c.loss.name, c.clip_weights, c.train.discriminator_steps) for c in configs[:2]] == [
        ("wasserstein", 0.01, 5),
        ("hinge", None, 1),
    ]


def test_the_examples_of_the_documentation_have_the_names_it_says(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "sweep.md").read_text()
    block = textwrap.dedent(page[page.index("    matrix:\n      optimizer:") :].partition("\n\n")[0])
    configs, problems = configs_of(write_study(tmp_path, block))
    assert problems == [] and len(configs) == 2
    assert all(f"`{config.name.replace('tiny', 'short')}`" in page for config in configs)


def test_a_wrong_value_of_a_label_is_located_in_the_study(tmp_path):
    path = write_study(tmp_path, "matrix:\n  critic:\n    - {loss: hinge, train.batch_size: 0}")
    _, (problem,) = configs_of(path)
    assert str(problem) == f"{path}:4:21: train.batch_size: expected an integer >= 1, received 0"


def test_a_file_that_is_neither_is_read_as_a_config(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("data: {name: digits}\nlatnet: {dim: 4}\n")
    _, (problem, *missing) = configs_of(path)
    assert str(problem) == f"{path}:2:1: latnet: unknown key. Did you mean 'latent'?"
    assert [problem.details["key"] for problem in missing] == ["train", "generator", "discriminator", "loss"]


def test_a_mistake_of_several_cells_and_seeds_is_told_once_with_the_others(tmp_path):
    path = write_study(tmp_path, "matrix: {latent.dim: [2, 3]}\nseeds: [0, 1]")
    text = (
        (tmp_path / "base" / "tiny.yaml")
        .read_text()
        .replace("batch_size: 16", "batch_size: 0")
        .replace("jit: false", "jit: no")
    )
    (tmp_path / "base" / "tiny.yaml").write_text(text)
    configs, problems = configs_of(path)
    assert configs == [] and [problem.details["key"] for problem in problems] == ["train.batch_size", "jit"]


class TestGridOfTheCommandLine:
    def test_a_comma_list_gives_a_config_for_each_combination(self, tmp_path):
        configs, problems = configs_of(
            write_config(tmp_path), ["loss=hinge,minimax", "train.batch_size=8,16", "train.steps=5"]
        )
        found = [(config.name, config.loss.name, config.train.batch_size, config.train.steps) for config in configs]
        pairs = [(loss, size) for loss in ("hinge", "minimax") for size in (8, 16)]
        assert found == [(f"tiny-loss={loss},batch={size}", loss, size, 5) for loss, size in pairs] and problems == []

    def test_multiplies_the_configs_of_a_folder_and_the_cells_of_a_study(self, tmp_path):
        path = write_study(tmp_path, "matrix: {train.batch_size: [8, 16]}\nseeds: [0, 1]")
        configs, _ = configs_of(path, ["latent.dim=2,3"])
        names = [f"tiny-batch={size},dim={dim}" for size in (8, 16) for dim in (2, 3)]
        assert labels(configs) == [(name, seed) for name in names for seed in (0, 1)]
        for name in ("a", "b"):
            write_config(tmp_path / "folder", f"{name}.yaml", "name: tiny", f"name: {name}")
        names = [config.name for config in configs_of(tmp_path / "folder", ["latent.dim=2,3"])[0]]
        assert names == ["a-dim=2", "a-dim=3", "b-dim=2", "b-dim=3"]

    @pytest.mark.parametrize(
        "option", ["output.grid=[2, 3]", 'name="a,b"', "generator.optimizer={Adam: {beta_1: 0.5, beta_2: 0.9}}"]
    )
    def test_a_comma_in_brackets_braces_or_quotes_is_part_of_one_value(self, tmp_path, option):
        configs, problems = configs_of(write_config(tmp_path), [option])
        assert len(configs) == 1 and problems == []

    def test_a_list_of_lists_is_a_grid_of_lists(self, tmp_path):
        configs, _ = configs_of(write_config(tmp_path), ["output.grid=[2, 3],[4, 5]"])
        assert [config.output.grid for config in configs] == [[2, 3], [4, 5]]

    @pytest.mark.parametrize(
        ("options", "line"),
        [
            (["name=a,b"], "-o name=a,b: matrix.name: cannot be varied; ganlab names a cell after its values"),
            (["loss=hinge,hinge"], "-o loss=hinge,hinge: matrix.loss[1]: 'hinge' is in the list already"),
            (["loss=hinge,minimax", "loss=a,b"], "-o loss=a,b: loss has a list of values already"),
            (
                ["generator.optimizer=SGD,Adam", "generator.optimizer.SGD.learning_rate=0.1,0.2"],
                "-o generator.optimizer.SGD.learning_rate=0.1,0.2: matrix['generator.optimizer.SGD.learning_rate']: "
                "sets generator.optimizer.SGD.learning_rate, but 'generator.optimizer' sets generator.optimizer, "
                "which overlaps with it",
            ),
            (["a..b=1,2"], "-o a..b=1,2: matrix['a..b']: expected a dotted key, as in train.batch_size"),
            (["loss=hinge,minimax", "loss=hinge"], "-o loss=hinge: loss: this key is varied at -o loss=hinge,minimax"),
        ],
    )
    def test_a_wrong_grid_is_one_line(self, tmp_path, options, line):
        with pytest.raises(ConfigError) as caught:
            configs_of(write_config(tmp_path), options)
        assert str(caught.value) == line

    def test_a_wrong_value_names_its_option(self, tmp_path):
        configs, problems = configs_of(write_config(tmp_path), ["latent.dim=2,0"])
        assert len(configs) == 1
        _, problems = configs_of(write_config(tmp_path), ["latent.dim=2,.nan,-.inf"])
        assert lines(problems) == [
            f"-o latent.dim=2,.nan,-.inf: latent.dim: expected an integer >= 1, received {value}"
            for value in ("nan", "-inf")
        ]
        configs, problems = configs_of(write_config(tmp_path), ["latent.dim=2,0"])
        assert lines(problems) == ["-o latent.dim=2,0: latent.dim: expected an integer >= 1, received 0"]
