from pathlib import Path

import pytest

from ganlab.config.loading import configs_at, load_config
from ganlab.config.shipped import config_path, shipped, studies_folder
from ganlab.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("exp18", "configs/exp18.yaml"),
        ("mnist_best", "configs/mnist_best.yaml"),
        ("winkler2018", "experiments/winkler2018"),
        ("quickstart_study", "experiments/quickstart_study/study.yaml"),
    ],
)
def test_a_name_stands_for_what_ships(name, path):
    assert config_path(Path(name)).samefile(ROOT / path)


def test_a_shipped_config_is_loaded_with_what_it_extends():
    (file,) = configs_at(Path("exp01"))
    assert load_config(file).name == "exp01"
    assert len(configs_at(Path("winkler2018"))) == 19


def test_a_file_or_folder_here_comes_first(tmp_path):
    (tmp_path / "exp18").mkdir()
    assert config_path(Path("exp18")) == Path("exp18")
    assert studies_folder() == shipped("experiments")
    (tmp_path / "experiments").mkdir()
    assert studies_folder() == Path("experiments")


@pytest.mark.parametrize("written", ["exp18.yaml", "configs/exp18", "./x/exp18", "akel*"])
def test_a_path_is_a_path(written):
    assert config_path(Path(written)) == Path(written)


def test_an_unknown_name_is_told_with_the_nearest_one():
    with pytest.raises(ConfigError) as caught:
        config_path(Path("quickstrat"))
    assert str(caught.value) == (
        "quickstrat: no such file, and no config of this name ships with ganlab. Did you mean 'quickstart'?"
    )


def test_the_configs_of_an_installed_package_lie_inside_it(tmp_path, monkeypatch):
    (tmp_path / "ganlab" / "configs").mkdir(parents=True)
    (tmp_path / "ganlab" / "configs" / "own.yaml").touch()
    monkeypatch.setattr("ganlab.config.shipped._PACKAGE", tmp_path / "ganlab")
    assert config_path(Path("own")) == tmp_path / "ganlab" / "configs" / "own.yaml"
