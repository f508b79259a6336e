"""Runs on labelled images and on data that are no images, from the command to the folder."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ganlab.data import registry
from ganlab.data.dataset import Dataset, Split, fingerprint_of
from tests.cli.experiments import CONFIG, states, the_run, train
from tests.data.samples import mnist_arrays, write_npz

CONDITIONAL = """\
name: conditional
data: {name: digits}
labels: conditional
latent: {dim: 4}
generator:
  layers:
    - merge: Concatenate
      branches: {latents: [], class: [Labels]}
    - Dense: {units: 16}
    - ConditionalBatchNormalization
    - VirtualBatchNormalization: {reference_size: 12}
    - Dense: {units: 64, activation: tanh}
    - Reshape: {target_shape: [8, 8, 1]}
  optimizer: {Adam: {learning_rate: 1.0e-3}}
discriminator:
  layers:
    - Flatten
    - Dense: {units: 8, activation: relu, name: features}
    - merge: Add
      branches:
        realness: [Dense: {units: 1}]
        match:
          - merge: {Dot: {axes: 1}}
            branches: {features: [], class: [Labels, Dense: {units: 8, use_bias: false}]}
  optimizer: {Adam: {learning_rate: 1.0e-3}}
loss: {feature_matching: {layer: features}}
penalty: {r1: {weight: 0.1}}
train: {steps: 6, batch_size: 8, ema: 0.9}
output: {samples_every: 3, checkpoint_every: 3, grid: [10, 3]}
metrics: []
jit: false
"""


@pytest.fixture(scope="module")
def conditional(tmp_path_factory, cache):
    return train(tmp_path_factory.mktemp("conditional"), CONDITIONAL, cache)


class TestLabels:
    @pytest.fixture
    def run(self, conditional, ganlab, tmp_path):
        """A copy of the run to work in."""
        (tmp_path / "conditional.yaml").write_text(CONDITIONAL)
        return shutil.copytree(conditional, tmp_path / "results" / "digits" / conditional.name)

    def test_a_conditional_gan_leaves_a_folder_that_verifies_and_samples(self, run, ganlab, tmp_path):
        assert ganlab("verify", "results")[0] == 0
        assert json.loads((run / "status.json").read_text())["classes"] == 10
        assert (run / "models/gan.txt").read_text().count("labels") > 0
        # From the folder alone: the number of classes is known from status.json.
        assert ganlab("sample", "conditional", "--count", 9, "--out", "nine.png")[0] == 0
        assert Image.open(tmp_path / "nine.png").size[0] > 0

    def test_one_class_or_all_are_sampled(self, run, ganlab, tmp_path):
        for label in ("7", "all"):
            assert ganlab("sample", "conditional", "--count", 2, "--label", label, "--out", f"{label}.png")[0] == 0
        with Image.open(tmp_path / "7.png") as one, Image.open(tmp_path / "all.png") as every:
            assert every.height > 8 * one.height
        for label in ("10", "-1", "seven"):
            code, _, err = ganlab("sample", "conditional", "--label", label)
            assert code == 2 and f"expected a class from 0 to 9 or all, received '{label}'" in err

    def test_single_images_have_their_classes_in_the_file(self, run, ganlab, tmp_path):
        assert ganlab("sample", "conditional", "--each", "--count", 13, "--out", "images.npz")[0] == 0
        with np.load(tmp_path / "images.npz") as arrays:
            assert len(arrays["arr_0"]) == 13 and arrays["arr_1"].tolist() == [*range(10), 0, 1, 2]
        assert ganlab("sample", "conditional", "--each", "--label", 3, "--count", 2, "--out", "threes")[0] == 0
        assert sorted(path.name for path in (tmp_path / "threes").iterdir()) == [
            "000000-class3.png",
            "000001-class3.png",
        ]

    def test_a_class_of_a_folder_is_sampled_by_its_name(self, ganlab, tmp_path):
        for number, name in enumerate(("cat", "dog")):
            (tmp_path / "photos" / name).mkdir(parents=True)
            for index in range(6):
                pixels = np.full((8, 8), 40 * index + number, np.uint8)
                Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{index}.png")
        data = "data: {name: folder, source: photos, classes: folders}"
        (tmp_path / "animals.yaml").write_text(
            CONDITIONAL.replace("data: {name: digits}", data).replace("name: conditional", "name: animals")
        )
        code, _, err = ganlab("run", "animals.yaml", "-q")
        assert code == 0, err
        assert json.loads((the_run(tmp_path / "results") / "status.json").read_text())["class_names"] == ["cat", "dog"]
        for label in ("dog", "1", "cat"):
            code, _, err = ganlab("sample", "animals", "--label", label, "--out", f"{label}.png")
            assert code == 0, err
        dog, one, cat = ((tmp_path / f"{name}.png").read_bytes() for name in ("dog", "1", "cat"))
        assert dog == one != cat
        code, _, err = ganlab("sample", "animals", "--label", "dig")
        message = "label: expected a class from 0 to 1, its name or all, received 'dig'. Did you mean 'dog'?\n"
        assert (code, err) == (2, message)
        assert ganlab("verify", "results")[0] == 0

    def test_label_metrics_measure_its_classes(self, run, ganlab, tmp_path):
        assert ganlab("evaluate", "conditional", "--metric", "acc1k_classifier")[0] == 0
        (line,) = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        assert line["name"] == "acc1k_classifier" and line["value"] < 0.5  # six steps
        assert line["floor"] > 0.9
        assert set(line["details"]["classes"]) == set("0123456789")

    def test_label_metrics_of_a_generator_without_labels_are_one_line(self, ganlab, tmp_path):
        (tmp_path / "tiny.yaml").write_text(CONFIG.replace("is1k", "acc1k"))
        for command in ("run", "check"):
            code, _, err = ganlab(command, "tiny.yaml")
            assert code == 2 and "metrics: acc1k_classifier needs a generator that takes labels" in err
            assert err.count("\n") == 1

    def test_it_resumes_to_the_same_bits(self, run, ganlab, tmp_path):
        assert ganlab("run", "conditional.yaml", "-q", "--results", "again", "-o", "output.checkpoint_every=1")[0] == 0
        again = the_run(tmp_path / "again")
        for step in (4, 6):  # as if its process had been killed after step 3
            for path in again.glob(f"checkpoints/*-{step:06d}*"):
                path.rename(path.with_name(f"gone-{path.name}"))
        status = json.loads((again / "status.json").read_text())
        (again / "status.json").write_text(json.dumps(status | {"status": "running"}))
        (again / "summary.json").unlink()
        assert ganlab("run", "conditional.yaml", "-q", "--results", "again", "-o", "output.checkpoint_every=1")[0] == 0
        whole, resumed = states(run, 6), states(again, 6)
        assert whole.keys() == resumed.keys()
        assert [name for name in whole if not np.array_equal(whole[name], resumed[name])] == []

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (("labels: conditional\n", ""), "generator.layers[0].branches.class[0].Labels: needs the labels"),
            (("layer: features", "layer: feature"), "loss.feature_matching.layer: no layer of the discriminator"),
        ],
    )
    def test_what_is_missing_is_one_line(self, ganlab, tmp_path, change, message):
        (tmp_path / "wrong.yaml").write_text(CONDITIONAL.replace(*change))
        code, _, err = ganlab("run", "wrong.yaml", "-q")
        assert code == 2 and message in err and err.count("\n") == 1
        assert not (tmp_path / "results").exists()


def test_the_same_images_with_other_labels_are_other_data(ganlab, tmp_path, monkeypatch):
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path))
    (tmp_path / "own.yaml").write_text(CONDITIONAL.replace("name: digits", "name: mnist, image_size: 8"))
    arrays, runs = mnist_arrays(20), []
    for turn in (0, 3):
        labels = (arrays["y_train"] + turn) % 10
        write_npz(tmp_path / "mnist" / "mnist.npz", arrays | {"y_train": labels})
        code, out, _ = ganlab("run", "own.yaml", "-q")
        assert code == 0 and out.strip() not in runs
        runs.append(out.strip())
    code, _, err = ganlab("evaluate", runs[0], "--metric", "fd200_random")
    assert code == 1 and err.endswith("have other labels than its training data\n")


CLASSES = {"auxiliary": 11, "balanced": 1}


@pytest.mark.parametrize("labels", CLASSES)
def test_every_use_of_labels_trains_and_verifies(ganlab, tmp_path, labels):
    text = CONDITIONAL.replace("labels: conditional", f"labels: {labels}")
    head = text[text.index("    - merge: Add") : text.index("  optimizer: {Adam", text.index("    - merge: Add"))]
    joined = "    - {merge: Concatenate, branches: {features: [], class: [Labels]}}\n" if labels == "balanced" else ""
    normalized = "    - Dense: {units: 6}\n    - VirtualBatchNormalization: {reference_size: 12}\n"
    text = text.replace(head, f"{joined}{normalized}    - Dense: {{units: {CLASSES[labels]}}}\n")
    (tmp_path / "conditional.yaml").write_text(text)
    assert ganlab("run", "conditional.yaml", "-q")[::2] == (0, "")
    assert ganlab("verify", "results")[0] == 0
    assert ("d_accuracy_class" in history(tmp_path / "results")) == (labels == "auxiliary")
    if labels == "balanced":  # the statistics of its classes are no weights, so it starts from a run without them, too
        plain = ("-o", "labels=conditional", "-o", "name=plain")
        assert ganlab("run", "conditional.yaml", "-q", *plain)[::2] == (0, "")
        assert ganlab("run", "conditional.yaml", "-q", "--init-from", "plain")[::2] == (0, "")


def test_a_reference_batch_of_more_samples_than_the_data_have_repeats_them(ganlab, tmp_path):
    text = CONFIG.replace("    - Dense: {units: 1}", "    - VirtualBatchNormalization\n    - Dense: {units: 1}")
    (tmp_path / "few.yaml").write_text(text.replace("[is1k_classifier]", "[]"))
    assert ganlab("run", "few.yaml", "-q", "-o", "data.limit=10")[::2] == (0, "")
    assert ganlab("verify", "results")[0] == 0


SEMI_SUPERVISED = CONFIG.replace("units: 1}", "units: 11}") + "labels: semi_supervised\n"


def test_a_semi_supervised_gan_reads_the_labels_of_a_part(ganlab, tmp_path):
    (tmp_path / "semi.yaml").write_text(SEMI_SUPERVISED)
    assert ganlab("run", "semi.yaml", "-q", "-o", "data.labelled=50", "-o", "metrics=[]")[::2] == (0, "")
    assert "d_accuracy_class" in history(tmp_path / "results") and ganlab("verify", "results")[0] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{name: digits}", "{name: digits, labelled: 55}"), "data.labelled: expected a multiple of the 10 classes"),
        (("{name: digits}", "{name: digits, labelled: 1780}"), "expected at most 1740 (class 8 has 174 images)"),
        (
            ("{name: digits}", "{name: digits, labelled: 0}"),
            "data.labelled: expected an integer >= 1 or null, received 0",
        ),
        (("semi_supervised", "auxiliary\ndata: {name: digits, labelled: 50}"), "data.labelled: expected only with"),
        (("units: 11}", "units: 10}"), "11 numbers an image, as labels: semi_supervised needs"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_number_of_labels_is_one_line(ganlab, tmp_path, command, change, message):
    text = SEMI_SUPERVISED.replace(*change)
    if text.count("data:") == 2:
        text = text.replace("data: {name: digits}\n", "", 1)
    (tmp_path / "semi.yaml").write_text(text)
    code, _, err = ganlab(command, "semi.yaml")
    assert code == 2 and message in err and err.count("\n") == 1
    assert not (tmp_path / "results").exists()


def history(results) -> str:
    """The head of the history of the only run."""
    return (the_run(results) / "history.csv").read_text().splitlines()[0]


@pytest.fixture
def points(monkeypatch):
    """A data set of 2-D points on a circle, as a module of ganlab/data would give it."""

    def load(options, error_at=None):
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False, dtype=np.float32)
        train = Split(np.stack([np.cos(angles), np.sin(angles)], axis=1))
        return Dataset("points", train, None, fingerprint_of(train.images), None, "made here")

    monkeypatch.setitem(registry.DATASETS, "points", SimpleNamespace(load=load, describe=lambda: {"train": 60}))


def test_points_are_written_as_arrays_and_scatter_pictures(ganlab, tmp_path, points):
    text = (
        CONFIG.replace("name: digits", "name: points")
        .replace("units: 64", "units: 2")
        .replace("metrics: [is1k_classifier]", "")
    )
    text = "\n".join(line for line in text.splitlines() if "Reshape" not in line and "Flatten" not in line)
    (tmp_path / "points.yaml").write_text(text.replace("name: tiny", "name: circle") + "\n")
    code, _, err = ganlab("run", "points.yaml", "-q")
    assert (code, err) == (0, "")
    run = the_run(tmp_path / "results")
    for step in (1, 12):
        samples = np.load(run / f"samples/{step:06d}.npy")
        assert samples.shape == (6, 2) and samples.dtype == np.float32
        assert Image.open(run / f"samples/{step:06d}.png").size == (500, 500)
    assert Image.open(run / "estimates.png").size == (500, 500)
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["verdict"], summary["metrics"]) == ("too_early", {})  # metrics have nothing to say
    assert "diversity,recall" in (run / "history.csv").read_text().splitlines()[0]
    assert ganlab("verify", "results")[0] == 0
    assert ganlab("sample", "circle", "--count", 5, "--out", "five.png")[0] == 0
    assert np.load(tmp_path / "five.npy").shape == (5, 2)
    with np.load(ganlab("sample", "circle", "--each", "--count", 5, "--out", "five.npz")[1].strip()) as arrays:
        assert np.array_equal(arrays["arr_0"], np.load("five.npy"))
    for words, said in (
        (
            ("--out", "five.jpg"),
            "--out five.jpg: the samples are no images; expected the suffix .png, for a scatter plot",
        ),
        (("--each", "--out", "five"), "--out five: the samples are no images; expected a name with the suffix .npz"),
    ):
        assert ganlab("sample", "circle", *words) == (2, "", f"{said}\n")
    assert sorted(path.name for path in tmp_path.glob("*five*")) == ["five.npy", "five.npz", "five.png"]


def test_images_under_the_name_of_mnist_are_noted_wherever_they_are_seen(ganlab, tmp_path, monkeypatch):
    write_npz(tmp_path / "own" / "mnist" / "mnist.npz", mnist_arrays(40, 20))
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "own"))
    text = CONFIG.replace("name: digits", "name: mnist, image_size: 8").replace("[is1k_classifier]", "[]")
    (tmp_path / "mnist.yaml").write_text(text)
    code, _, err = ganlab("run", "mnist.yaml", "-q")
    note = "not known to be the published mnist: 40 training and 20 test images of content "
    assert code == 0 and err.startswith(f"{tmp_path / 'own/mnist/mnist.npz'}: {note}") and err.count("\n") == 1
    assert json.loads((the_run(tmp_path / "results") / "summary.json").read_text())["data_note"].startswith(note)
    assert f"mnist: {note}" in ganlab("report")[1]
    assert note in ganlab("data")[1]


def test_files_that_are_no_pictures_are_named_by_a_run(ganlab, tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(9):
        content = np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(content).save(tmp_path / "photos" / f"{number}.TIF")
    (tmp_path / "photos" / "movie.mov").touch()
    text = CONFIG.replace("name: digits", "name: folder, source: photos").replace("[is1k_classifier]", "[]")
    (tmp_path / "photos.yaml").write_text(text)
    code, _, err = ganlab("run", "photos.yaml", "-q")
    assert (code, err) == (0, "photos: 1 of 10 files is no picture that can be read: movie.mov\n")


def test_few_images_without_a_metric_are_told_by_check_run_and_evaluate(ganlab, tmp_path):
    text = CONFIG.replace("name: digits", "name: digits, limit: 300").replace("[is1k_classifier]", "auto")
    (tmp_path / "few.yaml").write_text(text)
    note = "metrics: auto measures nothing on 300 images, fewer than 1,000; metrics: [fd200_random] fits\n"
    assert ganlab("check", "few.yaml")[2] == f"few.yaml: {note}"
    assert note in ganlab("run", "few.yaml", "-o", "train.steps=2")[2]
    run = the_run(tmp_path / "results").name
    said = "nothing measured: its config chooses no metric for its data; choose one, such as --metric fd200_random\n"
    assert ganlab("evaluate", run) == (0, "", f"{run}: {said}")
    assert "fd200_random" in ganlab("evaluate", run, "--metric", "fd200_random")[1]
