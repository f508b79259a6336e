"""The examples of CONTRIBUTING.md run as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from ganlab.objectives import OBJECTIVES, Kind
from ganlab.objectives.gan_config import GanConfig
from ganlab.training import losses
from tests.training.tiny import build, tiny_config

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
LOSS, LAYER, OBJECTIVE = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
VALUES = re.findall(r'^    \("(\w+)", (.*)\),$', TEXT, re.MULTILINE)


def defined(source: str) -> dict:
    """The names that a whole file defines."""
    names = {"__name__": "example"}
    exec(source, names)
    return names


@pytest.fixture
def loss():
    ((name, row),) = eval(f"{{{LOSS.strip()}}}", vars(losses)).items()
    return name, row


def test_the_loss_has_the_values_that_its_test_has(loss):
    name, row = loss
    assert len(VALUES) == 3 and {named for named, _ in VALUES} == {name}
    for _, numbers in VALUES:
        real, fake, discriminator, generator = map(float, numbers.split(", "))
        sides = [losses.Judged(ops.convert_to_tensor([[logit]], "float32")) for logit in (real, fake)]
        assert float(row.discriminator(*sides)) == pytest.approx(discriminator)
        assert float(row.generator(*sides)) == pytest.approx(generator)


def test_the_loss_trains(loss, monkeypatch):
    monkeypatch.setitem(losses.LOSSES, *loss)
    config = tiny_config(loss=loss[0])
    assert isinstance(config, GanConfig) and np.isfinite(build(config).train(2)).all()


def test_the_layer_adds_the_row_of_the_label_to_every_position():
    layer, images = defined(LAYER)["ClassBias"](), np.ones((2, 3, 3, 4), np.float32)
    labels = np.eye(5, dtype=np.float32)[[1, 4]]
    np.testing.assert_array_equal(layer(images, labels=labels), images)  # the table starts at zero
    table = np.arange(20.0, dtype=np.float32).reshape(5, 4)
    layer.table.assign(table)
    np.testing.assert_allclose(layer(images, labels=labels), images + table[[1, 4]][:, None, None])


def test_the_objective_brings_the_generated_samples_nearer(monkeypatch):
    names = defined(OBJECTIVE)
    kind = Kind(names["MomentMatchingConfig"], names["moment_matching_objective"])
    monkeypatch.setitem(OBJECTIVES, "moment_matching", kind)
    config = tiny_config("moment_matching", train={"steps": 100, "batch_size": 16})
    rows = build(config).train(100)
    assert rows[-10:].mean() < 0.8 * rows[:10].mean()
