# ruff: noqa: E501 (tables with one case a line)
from pathlib import Path

import pytest

from ganlab.config.loading import configs_at, dump_config, load_config
from ganlab.config.reader import parse_yaml
from ganlab.errors import ConfigError
from tests.config.examples import EXAMPLE, changed, config_of, load

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


def test_a_config_without_a_name_is_named_after_its_file(tmp_path):
    assert load(tmp_path, changed("name: example\n", "")).name == "c"


def test_a_file_name_that_is_no_name_is_refused(tmp_path):
    path = tmp_path / "my config.yaml"
    path.write_text(changed("name: example\n", ""))
    with pytest.raises(ConfigError, match=r"my config.yaml:1:1: name: expected a name of .*, received 'my config'$"):
        load_config(path)


def test_the_seed_of_the_command_line_replaces_that_of_the_file(tmp_path):
    assert load(tmp_path, EXAMPLE, seed=7).seed == 7
    with pytest.raises(ConfigError, match=r"^--seed -1: seed: expected an integer >= 0, received -1$"):
        load(tmp_path, EXAMPLE, seed=-1)


RIGHT_OVERRIDES = [
    ("train.steps=7", lambda c: c.train.steps == 7 and c.train.epochs is None),
    ("train.epochs=2", lambda c: c.train.epochs == 2 and c.train.steps is None),
    ("train.epochs=null", lambda c: c.train.steps == 100),
    ("generator.layers.0.Dense.units=5", lambda c: c.generator.layers[0]["Dense"]["units"] == 5),
    ("generator.layers[1].layers[0].Dense.units=5", lambda c: c.generator.expanded()[3].arguments["units"] == 5),
    ("discriminator.layers[0].Flatten.name=flat", lambda c: c.discriminator.layers[0] == {"Flatten": {"name": "flat"}}),
    ("discriminator.layers[0]={Dense: {units: 3}}", lambda c: c.discriminator.expanded()[0].kind == "Dense"),
    ("generator.optimizer.Adam.learning_rate=1e-3", lambda c: c.generator.optimizer == {"Adam": {"learning_rate": 1e-3}}),
    ("generator.optimizer.SGD.momentum=0.9", lambda c: c.generator.optimizer == {"SGD": {"momentum": 0.9}}),
    ("generator.optimizer=SGD", lambda c: c.generator.optimizer == {"SGD": {}}),
    ("loss.minimax.real_label=0.9", lambda c: (c.loss.name, c.loss.real_label) == ("minimax", (0.9, 0.9))),
    ("loss=hinge", lambda c: c.loss.name == "hinge"),
    ("penalty.r1.every=16", lambda c: c.penalty["r1"].every == 16),
    ("penalty=", lambda c: c.penalty == {}),
    ("output.grid=[2, 3]", lambda c: c.output.grid == [2, 3]),
    ("family=a.b-c", lambda c: c.family == "a.b-c"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "holds"), RIGHT_OVERRIDES, ids=[option for option, _ in RIGHT_OVERRIDES])
def test_an_override_sets_one_value(option, holds, tmp_path):
    assert holds(load(tmp_path, EXAMPLE, option))


WRONG_OVERRIDES = [
    ("train.steps=many", "-o train.steps=many: train.steps: expected an integer >= 1, received 'many'"),
    ("train.stps=5", "-o train.stps=5: train.stps: unknown key. Did you mean 'steps'?"),
    ("outpt.grid=[2,2]", "-o outpt.grid=[2,2]: outpt: unknown key. Did you mean 'output'?"),
    ("train.steps", "-o train.steps: expected KEY=VALUE, as in -o train.steps=100"),
    ("=3", "-o =3: expected KEY=VALUE, as in -o train.steps=100"),
    ("a..b=3", "-o a..b=3: expected KEY=VALUE, as in -o train.steps=100"),
    ("seed=1\n2", "'-o seed=1\\n2': seed: expected an integer >= 0, received '1 2'"),
    (
        "seed={a: 1, a: 2}",
        "-o seed={a: 1, a: 2}: a: duplicate key; it stands at -o seed={a: 1, a: 2} already",
    ),
    ("seed.x=3", "-o seed.x=3: seed: expected an integer >= 0, received a mapping"),
    ("latent.dim.x=3", "-o latent.dim.x=3: latent.dim: expected a mapping to set 'x', found 64"),
    (
        "generator.layers[3]=X",
        "-o generator.layers[3]=X: generator.layers: expected an index from 0 to 2, received 3",
    ),
    (
        "generator.layers.x=X",
        "-o generator.layers.x=X: generator.layers: expected an index from 0 to 2, received 'x'",
    ),
    (
        "generator.layers[0].Conv2D.filters=3",
        "-o generator.layers[0].Conv2D.filters=3: generator.layers[0]: expected 'Dense', received 'Conv2D'",
    ),
    (
        "extends=x.yaml",
        "-o extends=x.yaml: extends: cannot be overridden; write a config that extends the file",
    ),
    (
        "generator.optimizer.Adam=3",
        "-o generator.optimizer.Adam=3: generator.optimizer.Adam: expected a mapping of arguments, received 3. Write Adam: {learning_rate: 3}.",
    ),
    ("steps=20", "-o steps=20: steps: unknown key. Did you mean 'train.steps'?"),
    (
        "train.batch_size=8,16",
        "-o train.batch_size=8,16: train.batch_size: expected an integer >= 1, received '8,16'. A run takes one value; a sweep "
        "trains each: ganlab sweep CONFIG -o train.batch_size=8,16",
    ),
    (
        "penalty={r1:{weight:5}}",
        "-o penalty={r1:{weight:5}}: syntax error: found unexpected ':'; write 'key: value' with a space after the colon",
    ),
    ("a" + ".a" * 40 + "=1", f"-o {'a' + '.a' * 40}=1: nested more than 40 levels deep, the limit"),
]


@pytest.mark.parametrize(("option", "message"), WRONG_OVERRIDES, ids=[option[:40] for option, _ in WRONG_OVERRIDES])
def test_a_wrong_override_gives_this_line(option, message, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, EXAMPLE, option)
    assert str(caught.value) == message


def test_a_syntax_error_in_an_override_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"^-o metrics=\[a: syntax error: [^\n]+$"):
        load(tmp_path, EXAMPLE, "metrics=[a")


def test_the_later_override_wins_and_mistakes_of_the_file_keep_their_place(tmp_path):
    assert load(tmp_path, EXAMPLE, "seed=1", "seed=2").seed == 2
    with pytest.raises(ConfigError, match=r"c.yaml:3:10: latent.dim: expected"):
        load(tmp_path, changed("dim: 64", "dim: x"), "seed=1")


def extend(folder: Path, text: str, base: str = EXAMPLE):
    (folder / "base").mkdir(exist_ok=True)
    (folder / "base" / "b.yaml").write_text(base)
    return load(folder, "extends: base/b.yaml\n" + text)


def test_extending_merges_mappings_and_replaces_lists(tmp_path):
    text = "latent: {distribution: uniform}\ndiscriminator: {layers: [Flatten, Dense: {units: 1, use_bias: false}]}\n"
    config = extend(tmp_path, text.replace("Dense: {units: 1, use_bias: false}", "{Dense: {units: 1}}, Softplus"))
    assert (config.latent.dim, config.latent.distribution) == (64, "uniform")
    assert config.discriminator.layers == ["Flatten", {"Dense": {"units": 1}}, "Softplus"]
    assert config.discriminator.optimizer == {"Adam": {"learning_rate": 1e-4}}


def test_layers_can_begin_or_end_with_those_of_the_extended_file(tmp_path):
    """EXAMPLE's discriminator is Flatten, then Dense."""
    cases = {
        "[base]": ["Flatten", {"Dense": {"units": 1}}],
        "[base: {drop_last: 1}, Dense: {units: 2}]": ["Flatten", {"Dense": {"units": 2}}],
        "[ReLU, base: {drop_first: 1}]": ["ReLU", {"Dense": {"units": 1}}],
        "[base: {drop_last: 1}, ReLU, base: {drop_first: 1}]": ["Flatten", "ReLU", {"Dense": {"units": 1}}],
    }
    for layers, expected in cases.items():
        assert extend(tmp_path, f"discriminator: {{layers: {layers}}}\n").discriminator.layers == expected
    middle = "extends: base/b.yaml\ndiscriminator: {layers: [ReLU, base]}\n"
    (tmp_path / "middle.yaml").write_text(middle)
    twice = load(tmp_path, "extends: middle.yaml\ndiscriminator: {layers: [base: {drop_first: 1}, Softplus]}\n")
    assert twice.discriminator.layers == ["Flatten", {"Dense": {"units": 1}}, "Softplus"]
    with_option = load(tmp_path, EXAMPLE, "discriminator.layers=[ReLU, base: {drop_first: 1}]")
    assert with_option.discriminator.layers == ["ReLU", {"Dense": {"units": 1}}]


def test_a_mistake_in_the_layers_of_the_extended_file_is_one_located_line(tmp_path):
    cases = {
        "base: {drop_last: 3}": "base.drop_last: expected an integer from 0 to 2, the layers of the extended file, received 3",
        "base: {drop_last: x}": "base.drop_last: expected an integer from 0 to 2, the layers of the extended file, received 'x'",
        "base: {dropfirst: 3}": "base.dropfirst: unknown key. Did you mean 'drop_first'?",
        "base: 3": "base: expected a mapping of drop_first and drop_last, received 3",
        "repeat: 2, layers: [base]": "layers[0]: 'base' stands for a network's layers in the extended file; there are none here",
    }
    for item, reason in cases.items():
        with pytest.raises(ConfigError) as caught:
            extend(tmp_path, f"discriminator:\n  layers:\n    - {{{item}}}\n")
        place, key, message = str(caught.value).split(": ", 2)
        assert (place.split("c.yaml")[1][:2], f"{key}: {message}") == (":4", f"discriminator.layers[0].{reason}")
    with pytest.raises(
        ConfigError, match=r"discriminator.layers\[0\]: 'base' stands for a network's layers in the extended"
    ):
        load(tmp_path, changed("- Flatten", "- base"))


def test_a_name_is_not_inherited(tmp_path):
    assert extend(tmp_path, "").name == "c"


def test_another_optimizer_or_loss_replaces_the_inherited_one(tmp_path):
    config = extend(tmp_path, "generator: {optimizer: {SGD: {momentum: 0.9}}}\nloss: {minimax: {real_label: 0.9}}\n")
    assert config.generator.optimizer == {"SGD": {"momentum": 0.9}}
    assert config.loss.name == "minimax"
    same = extend(tmp_path, "generator: {optimizer: {Adam: {beta_1: 0.5}}}\n")
    assert same.generator.optimizer == {"Adam": {"learning_rate": 1e-4, "beta_1": 0.5}}


def test_another_learning_rate_schedule_replaces_the_inherited_one(tmp_path):
    base = changed("learning_rate: 1e-4", "learning_rate: {CosineDecay: {decay_steps: 9}}")
    config = extend(tmp_path, "generator: {optimizer: {Adam: {learning_rate: {PolynomialDecay: {}}}}}\n", base)
    assert config.generator.optimizer == {"Adam": {"learning_rate": {"PolynomialDecay": {}}}}


def test_epochs_replace_inherited_steps(tmp_path):
    assert extend(tmp_path, "train: {epochs: 3}\n").train.steps is None


def test_mistakes_point_into_the_file_that_holds_them(tmp_path):
    with pytest.raises(ConfigError) as caught:
        extend(tmp_path, "seed: 1\n", changed("dim: 64", "dim: x"))
    expected = f"{tmp_path}/base/b.yaml:3:10: latent.dim: expected an integer >= 1, received 'x'"
    assert str(caught.value) == expected
    with pytest.raises(ConfigError, match=r"c.yaml:2:10: latent.dim: expected an integer >= 1, received 'y'$"):
        extend(tmp_path, "latent: {dim: y}\n")


def test_a_wrong_extends_is_one_located_line(tmp_path):
    cases = {
        "missing.yaml": f"no such file: '{tmp_path}"[:50],
        "[a]": "expected the path of a YAML file, received ['a']",
        "''": "no such file",
        "c.yaml": "goes in a circle: c.yaml -> c.yaml",
        '"a\\0b"': "no such file",
    }
    for extends, reason in cases.items():
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, f"seed: 1\nextends: {extends}\n")
        assert str(caught.value).startswith(f"{tmp_path}/c.yaml:2:1: extends: {reason}")


def test_a_circle_through_several_files_is_found(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml")
    (tmp_path / "b.yaml").write_text("extends: a.yaml")
    with pytest.raises(ConfigError, match=r"b.yaml:1:1: extends: goes in a circle: a.yaml -> b.yaml -> a.yaml$"):
        load_config(tmp_path / "a.yaml")


def test_a_chain_of_files_has_a_limit(tmp_path):
    for i in range(12):
        (tmp_path / f"{i}.yaml").write_text(f"extends: {i + 1}.yaml" if i < 11 else EXAMPLE)
    with pytest.raises(ConfigError, match=r"10.yaml:1:1: extends: more than 10 files extend each other, the limit$"):
        load_config(tmp_path / "0.yaml")
    assert load_config(tmp_path / "1.yaml").name == "1"


def test_a_base_that_is_no_mapping_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"b.yaml:1:1: expected a mapping of keys, received \['x'\]$"):
        extend(tmp_path, "", "[x]")


ROUND_TRIPS = [
    ("", ""),
    ("", "penalty: {r1: {every: 16}, wgan_gp: }\nclip_weights: 1e-12"),
    ("non_saturating", "{least_squares: {real_label: [0.7, 1.2], flip_labels: 0.05}}"),
    ("non_saturating", "wasserstein"),
    ("steps: 100", "epochs: 0.5"),
    ("", "metrics: []\noutput: {samples_every: null, keep_checkpoints: all}\njit: false"),
    ("name: example", "name: '007'\nfamily: '1e-4'"),
    ("name: example", "name: 'no'\nfamily: 'null'"),
    ("activation: relu", "activation: '1e5', name: \"a: b\\n#\\t\\x07é\\u2028\", x: ['0x1', '.5', '~', '', '1_0', '2020-01-01', '=']"),
    ("activation: relu", "a: &x {b: [1, 2]}, c: *x, d: *x, e: 1e-5, f: 1e300, g: -0.0, h: 9223372036854775807"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), ROUND_TRIPS)
def test_what_is_written_out_reads_back_equal(old, new):
    config = config_of(changed(old, new))
    text = dump_config(config)
    again = config_of(text)
    assert again == config
    assert dump_config(again) == text


def test_every_default_is_written_out():
    data = parse_yaml(dump_config(config_of()), "f").data
    assert set(data) == set(type(config_of()).model_fields) - {"common"}
    assert data["output"]["checkpoint_every"] == 500
    assert data["loss"] == {"non_saturating": {"real_label": 1.0, "fake_label": 0.0, "flip_labels": 0.0}}


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_the_configs_of_the_repository_load_and_read_back_equal(path, tmp_path):
    config = load_config(path)
    written = tmp_path / "config.yaml"
    written.write_text(dump_config(config), encoding="utf-8")
    assert load_config(written) == config


def test_a_report_yaml_beside_configs_is_no_config(tmp_path):
    for name in ("a.yaml", "report.yaml"):
        (tmp_path / name).write_text("x: 1\n")
    assert configs_at(tmp_path) == [tmp_path / "a.yaml"]


def test_hidden_files_of_editors_and_archives_are_no_configs(tmp_path):
    (tmp_path / "b.yaml").write_text("")
    (tmp_path / "a.yaml").write_text("")
    (tmp_path / ".#b.yaml").symlink_to("me@host.1234:567")  # a lock of Emacs
    (tmp_path / "._a.yaml").write_bytes(b"\x00\x05\x16\x07")  # attributes, as macOS keeps them on other disks
    (tmp_path / ".b.yaml.swp.yaml").write_text("")
    assert configs_at(tmp_path) == [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    assert configs_at(tmp_path / "._a.yaml") == [tmp_path / "._a.yaml"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".x.yaml").write_text("")
    with pytest.raises(ConfigError, match=r"no \*.yaml file in this folder"):
        configs_at(tmp_path / "empty")


def test_a_pattern_gives_the_configs_and_the_folders_that_fit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("exp1.yaml", "exp2.yaml", "report.yaml", "other.yaml", "exp3/a.yaml", "exp[4].yaml"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    assert configs_at(Path("exp[12].yaml")) == [Path("exp1.yaml"), Path("exp2.yaml")]
    assert configs_at(Path("exp3*")) == [Path("exp3/a.yaml")]
    assert configs_at(Path("*r*.yaml")) == [Path("other.yaml")]
    assert configs_at(Path("exp[4].yaml")) == [Path("exp[4].yaml")], "a file of that name comes first"
    with pytest.raises(ConfigError, match=r"^no\*.yaml: nothing fits this pattern$"):
        configs_at(Path("no*.yaml"))


class TestSource:
    """A relative data.source, with a config in a folder of its own."""

    @pytest.fixture
    def config(self, tmp_path, monkeypatch):
        (tmp_path / "configs").mkdir()
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("GANLAB_DATA", raising=False)
        path = tmp_path / "configs" / "c.yaml"
        path.write_text(changed("name: digits", "name: folder, source: photos"))
        return path

    def test_of_a_file_starts_at_the_file_that_says_it(self, config, tmp_path):
        assert load_config(config).data.source == str(tmp_path / "configs" / "photos")
        (tmp_path / "more.yaml").write_text("extends: configs/c.yaml\nseed: 2\n")
        assert load_config("more.yaml").data.source == "configs/photos"

    def test_of_the_command_line_starts_at_the_working_folder(self, config):
        assert load_config(config, ["data.source=photos"]).data.source == "photos"

    def test_that_is_absolute_or_in_the_home_folder_stays(self, config, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        for source in (str(tmp_path / "a"), "~/a"):
            config.write_text(changed("name: digits", f"name: folder, source: {source}"))
            assert load_config(config).data.source == str(tmp_path / "a")

    def test_that_is_not_beside_the_file_starts_at_the_data_folder(self, config, tmp_path, monkeypatch):
        for folder in ("data/photos", "photos"):
            (tmp_path / folder).mkdir(parents=True)
        monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "data"))
        assert load_config(config).data.source == str(tmp_path / "data" / "photos"), "not the one in the working folder"
        (tmp_path / "configs" / "photos").mkdir()
        assert load_config(config).data.source == str(tmp_path / "configs" / "photos")

    def test_that_exists_is_written_out_with_its_whole_path(self, config, tmp_path):
        (tmp_path / "configs" / "photos").mkdir()
        (tmp_path / "elsewhere.yaml").write_text(dump_config(load_config("configs/c.yaml")))
        assert load_config("elsewhere.yaml").data.source == str(tmp_path / "configs" / "photos")
