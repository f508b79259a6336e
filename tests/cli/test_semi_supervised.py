"""A semi-supervised run, from few labels to the accuracy on images that it has not seen."""

import json

import numpy as np
import pytest

from tests.cli.experiments import states, the_run
from tests.data.samples import write_npz

CONFIG = """\
name: semi
data: {name: mnist, image_size: 4, labelled: 20}
labels: semi_supervised
latent: {dim: 4}
generator:
  layers: [Dense: {units: 16, activation: tanh}, Reshape: {target_shape: [4, 4, 1]}]
  optimizer: {Adam: {learning_rate: 1.0e-3}}
discriminator:
  layers: [Flatten, Dense: {units: 11}]
  optimizer: {Adam: {learning_rate: 1.0e-1}}
loss: non_saturating
train: {steps: 60, batch_size: 20}
output: {samples_every: null, checkpoint_every: 20, grid: [1, 1]}
metrics: [accuracy_discriminator_test]
jit: false
"""


def stripes(labels: np.ndarray, seed: int) -> np.ndarray:
    """Images (N, 28, 28) whose class is the place of a bright square, with noise."""
    images = np.random.default_rng(seed).integers(0, 60, (len(labels), 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 4)
        image[7 * row : 7 * row + 7, 7 * column : 7 * column + 7] += 180
    return images


@pytest.fixture
def run(ganlab, tmp_path, monkeypatch):
    train, test = np.arange(200, dtype=np.uint8) % 10, np.arange(50, dtype=np.uint8) % 10
    arrays = {"x_train": stripes(train, 0), "y_train": train, "x_test": stripes(test, 1), "y_test": test}
    write_npz(tmp_path / "data" / "mnist" / "mnist.npz", arrays)
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "data"))
    (tmp_path / "semi.yaml").write_text(CONFIG)
    code, _, err = ganlab("run", "semi.yaml", "-q")
    assert code == 0, err
    return the_run(tmp_path / "results")


def lines(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_the_accuracy_on_the_test_split_is_a_metric_like_others(run, ganlab):
    (line,) = lines(run)
    assert (line["step"], line["name"], line["floor"], line["weight_hash"]) == (
        60,
        "accuracy_discriminator_test",
        None,
        None,
    )
    assert line["value"] > 0.8 and set(line["details"]["classes"]) == set("0123456789")
    assert (
        json.loads((run / "summary.json").read_text())["metrics"]["accuracy_discriminator_test"]["last"]
        == line["value"]
    )
    assert ganlab("verify", run)[0] == 0
    assert "accuracy_discriminator_test" in ganlab("report", "results")[1]


def test_it_is_the_share_of_largest_class_logits_without_the_one_of_generated(run, ganlab, tmp_path):
    from ganlab.data import load_dataset
    from tests.data.samples import options

    test = load_dataset(options("mnist", image_size=4)).test
    arrays = [array for name, array in states(run, 60).items() if name.startswith("networks/discriminator/")]
    kernel, bias = sorted(arrays, key=lambda array: -array.ndim)
    logits = (test.images.reshape(50, 16) / 127.5 - 1) @ kernel + bias
    assert lines(run)[0]["value"] == np.mean(logits[:, :10].argmax(axis=1) == test.labels)


def test_it_is_measured_later_where_the_state_is_left(run, ganlab):
    code, out, _ = ganlab("evaluate", "semi", "--step", "40", "--json")
    (value,) = json.loads(out)["values"]
    assert code == 0 and 0 <= value["value"] <= 1 and len(lines(run)) == 2
    code, _, err = ganlab("evaluate", "semi", "--step", "20")
    message = "no state of step 20, which would hold the discriminator; there are 40, 60\n"
    assert code == 6 and err.endswith(message) and err.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("labels: semi_supervised", "labels: none", "data.labelled: expected only with 'labels: semi_supervised'"),
        (
            ", labelled: 20}\nlabels: semi_supervised",
            "}",
            "metrics: accuracy_discriminator_test needs a discriminator that",
        ),
        ("mnist, image_size: 4, ", "digits, image_size: 4, ", "needs a test split with labels, digits has none."),
    ],
)
def test_what_it_needs_is_one_located_line(ganlab, tmp_path, monkeypatch, old, new, message):
    write_npz(
        tmp_path / "data" / "mnist" / "mnist.npz",
        {
            "x_train": stripes(np.arange(20), 0),
            "y_train": np.arange(20, dtype=np.uint8) % 10,
            "x_test": stripes(np.arange(10), 1),
            "y_test": np.arange(10, dtype=np.uint8),
        },
    )
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "data"))
    changed = CONFIG.replace(old, new)
    (tmp_path / "semi.yaml").write_text(
        changed if "discriminator that" not in message else changed.replace("units: 11", "units: 1")
    )
    code, _, err = ganlab("run", "semi.yaml", "-q")
    last = err.splitlines()[-1]
    assert code == 2 and last.startswith("semi.yaml:") and message in last
    assert not (tmp_path / "results").exists()
