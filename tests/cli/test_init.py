from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ganlab.config.loading import load_config
from ganlab.data import registry
from ganlab.data.dataset import Dataset, Split


@pytest.mark.parametrize("words", [["mnist"], ["cifar10", "--size", "30"], ["celeba", "--size", "40"]])
def test_a_published_data_set_needs_no_files(ganlab, tmp_path, monkeypatch, words):
    monkeypatch.delenv("GANLAB_DATA", raising=False)
    assert ganlab("init", *words) == (0, "", f"wrote {words[0]}.yaml\nsee: ganlab check {words[0]}.yaml\n")
    file = tmp_path / f"{words[0]}.yaml"
    config = load_config(file)
    assert config.name == config.data.name == words[0] and file.read_text().count("#") > 10


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["mnist", "--size", "2000"], "init: image_size: expected an integer from 1 to 1024 or null, received 2000"),
        (["my photos"], "init: name: expected a name of at most 80 letters"),
    ],
)
def test_what_no_config_can_say_is_one_line(ganlab, tmp_path, words, line):
    code, out, err = ganlab("init", *words)
    assert (code, out, err.count("\n")) == (2, "", 1) and line in err and not list(tmp_path.glob("m*.yaml"))


def test_check_accepts_it_for_images_of_any_size(ganlab, tmp_path):
    (tmp_path / "my 😀 photos").mkdir()
    for number in range(5):
        Image.new("RGB", (9, 14), (number, 0, 0)).save(tmp_path / "my 😀 photos" / f"{number}.png")
    assert ganlab("init", "folder", "--source", "my 😀 photos", "--size", "9", "--out", "mine.yaml")[0] == 0
    code, out, err = ganlab("check", "mine.yaml")
    assert code == 0 and "9 x 9 x 3" in out and "warning" not in err
    assert load_config(tmp_path / "mine.yaml").train.batch_size == 5


def test_check_accepts_it_for_points(ganlab, monkeypatch):
    def load(options, error_at=None):
        train = Split(np.arange(200, dtype=np.float32).reshape(100, 2) / 100 - 1)
        return Dataset("points", train, None, "f00d", None, "made here")

    monkeypatch.setitem(registry.DATASETS, "points", SimpleNamespace(load=load, describe=dict))
    assert ganlab("init", "points")[0] == 0
    code, out, err = ganlab("check", "points.yaml")
    assert code == 0 and "generator" in out, err


def test_a_mistake_writes_nothing(ganlab, tmp_path):
    (tmp_path / "digits.yaml").write_text("mine\n")
    assert ganlab("init", "digits") == (2, "", "digits.yaml: exists; --out names another file\n")
    assert (tmp_path / "digits.yaml").read_text() == "mine\n"
    code, _, err = ganlab("init", "mnits")
    assert code == 2 and err == "data.name: unknown data set 'mnits'. Did you mean 'mnist'?\n"
    assert not (tmp_path / "mnits.yaml").exists()


def test_sub_folders_that_could_be_classes_are_named_in_a_comment(ganlab, tmp_path):
    for number, name in enumerate(["cats/a.png", "dogs/b.png", "dogs/more/c.png"]):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "photos" / name)
    assert ganlab("init", "folder", "--source", "photos", "--out", "mine.yaml")[0] == 0
    (line,) = [line for line in (tmp_path / "mine.yaml").read_text().splitlines() if line.startswith("data:")]
    assert line.endswith("}  # classes: folders makes 2 classes of its sub-folders, for labels")
    assert ganlab("init", "folder", "--source", "photos/dogs", "--out", "dogs.yaml")[0] == 0
    assert "classes" not in (tmp_path / "dogs.yaml").read_text()
