"""A loss of this file alone: K classes and one more for generated images (Salimans et al. 2016, arXiv 1606.03498, section 5).

It is one row of LOSSES: config, draws, step and history know nothing of it.
"""

import numpy as np
import pytest
from keras import ops

from ganlab.config.schema import Form
from ganlab.errors import ConfigError
from ganlab.models.building import build_models
from ganlab.training.losses import LOSSES, Judged, Loss, Measure
from tests.training.tiny import BACKEND, IMAGES, build, tiny_config

CLASSES = 3
LABELS = (np.arange(len(IMAGES)) % CLASSES).astype(np.int32)
STILL = {"SGD": {"learning_rate": 0.0}}


def of_classes(judged: Judged, classes) -> object:
    """Mean negative log-probability of these classes."""
    chosen = ops.one_hot(classes, CLASSES + 1, dtype="float32")
    return -ops.mean(ops.sum(ops.log_softmax(judged.logits) * chosen, axis=1))


def of_the_last(judged: Judged):
    return ops.mean(ops.softmax(judged.logits)[:, -1])


def is_right(side: str, judged: Judged):
    found = ops.argmax(judged.logits[:, :-1], axis=1)
    return ops.mean(ops.cast(ops.equal(ops.cast(found, "int32"), ops.cast(judged.labels, "int32")), "float32"))


K_PLUS_ONE = Loss(
    real=lambda real: of_classes(real, real.labels),
    fake=lambda fake: of_classes(fake, ops.full((4,), CLASSES, dtype="int32")),
    generator=lambda real, fake: of_the_last(fake),
    measures=(Measure("d_accuracy_class", is_right, sides=("real",)), Measure("d_{side}", lambda s, j: of_the_last(j))),
    reads_labels=True,
    outputs=lambda classes: classes + 1,
)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(LOSSES, "k_plus_one", K_PLUS_ONE)


def config_of(units: int = CLASSES + 1, **train):
    critic = [{"Dense": {"units": 6, "activation": "tanh"}}, {"Dense": {"units": units}}]
    return tiny_config(discriminator=critic, optimizer=STILL, loss="k_plus_one", train=train)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("jit", BACKEND.JIT)
@pytest.mark.parametrize("batches", ["separate", "joint", "alternate"])
def test_its_columns_are_those_of_the_labels_of_the_rows_that_were_drawn(batches, jit):
    tiny = build(config_of(discriminator_batches=batches), jit, labels=LABELS)
    assert tiny.objective.column_names == ("d_loss", "g_loss", "d_accuracy_class", "d_real", "d_fake")
    assert tiny.config.columns() == tiny.objective.columns
    taken = tiny.draws.take(0, 3)
    rows = tiny.train(3, room=3)
    for step in range(3):
        chosen = taken["real_0"][step]
        networks = tiny.models.networks
        real = log_softmax(networks["discriminator"].predict((IMAGES[chosen] / 127.5 - 1).astype(np.float32)))
        made = networks["generator"].predict(taken["latents_fake_0"][step])
        fake = log_softmax(networks["discriminator"].predict(made))
        right = real[np.arange(4), LABELS[chosen]]
        expected = {
            "d_loss": -right.mean() - fake[:, -1].mean(),
            "d_accuracy_class": (real[:, :-1].argmax(axis=1) == LABELS[chosen]).mean(),
            "d_real": np.exp(real[:, -1]).mean(),
            "d_fake": np.exp(fake[:, -1]).mean(),
        }
        for name, value in expected.items():
            assert tiny.column(rows, name)[step] == pytest.approx(value, rel=1e-4), name


def test_generated_images_have_no_labels_for_it():
    draws = build(config_of(), labels=LABELS).objective.draws
    assert draws["real_0"].arrays == ("images", "labels")
    assert {draw.kind for draw in draws.values()} == {"rows", "normal"}


def test_a_discriminator_of_another_number_of_outputs_is_an_error():
    with pytest.raises(
        ConfigError, match=r"ends in the shape \(1,\), expected \(4,\): 4 numbers an image, as k_plus_one"
    ):
        build_models(config_of(units=1), Form((8,), CLASSES))


def test_data_without_labels_are_an_error():
    with pytest.raises(ConfigError) as caught:
        build_models(config_of(), Form((8,)))
    assert str(caught.value) == "tiny: loss: the loss k_plus_one reads labels, and digits has none"
