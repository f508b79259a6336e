"""Balanced labels (CGAN-MBL): the nearest class by Mahalanobis distance, and rare labels drawn more often."""

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.models.balancing import Balancing
from ganlab.training.checkpoints import restore
from tests.objectives.test_class_heads import EMBEDDED
from tests.training.tiny import BACKEND, IMAGES, build, tiny_config

CLASSES = 3
LABELS = (np.arange(len(IMAGES)) % CLASSES).astype(np.int32)
CRITIC = [
    {"merge": "Concatenate", "branches": {"image": [], "labels": ["Labels"]}},
    {"Dense": {"units": 6, "activation": "tanh"}},
    {"Dense": {"units": 1}},
]


def balancing(images: np.ndarray = IMAGES, labels: np.ndarray = LABELS) -> Balancing:
    made = Balancing(images.shape[1], CLASSES, -1.0, 1.0)
    made.begin({"images": images, "labels": labels})
    return made


def test_an_image_gets_the_class_of_the_least_mahalanobis_distance():
    made = balancing()
    pixels = IMAGES / 255.0
    means = np.stack([pixels[k == LABELS].mean(axis=0) for k in range(CLASSES)])
    residuals = pixels - means[LABELS]
    inverse = np.linalg.inv(residuals.T @ residuals / len(pixels) + 1e-2 * np.eye(8))
    differences = pixels[:, None] - means[None]
    distances = np.einsum("nkd,de,nke->nk", differences, inverse, differences)
    found = ops.convert_to_numpy(made.nearest(ops.convert_to_tensor((pixels * 2 - 1).astype(np.float32))))
    np.testing.assert_array_equal(found, distances.argmin(axis=1))


def test_a_constant_border_does_not_stop_it():
    images = IMAGES.copy()
    images[:, :3] = 0
    made = balancing(images)
    assert all(np.isfinite(ops.convert_to_numpy(variable)).all() for variable in made.variables)


def test_labels_are_drawn_evenly_at_first_and_rare_ones_more_often_later():
    made, numbers = balancing(), ops.convert_to_tensor(np.linspace(0, 1, 9001, dtype=np.float32)[:-1])
    even = np.bincount(ops.convert_to_numpy(made.drawn(numbers)), minlength=CLASSES)
    np.testing.assert_allclose(even, 3000, atol=1)
    made.counts.assign([3.0, 0.0, 1.0])  # weights 1/4, 1, 1/2
    later = np.bincount(ops.convert_to_numpy(made.drawn(numbers)), minlength=CLASSES)
    np.testing.assert_allclose(later / 9000, np.array([1, 4, 2]) / 7, atol=1e-3)


def test_the_largest_number_draws_the_last_class():
    made = balancing()
    made.counts.assign([1e-3, 7.0, 0.3])
    below_one = np.nextafter(np.float32(1), np.float32(0))
    assert int(ops.convert_to_numpy(made.drawn(ops.convert_to_tensor([below_one])))[0]) == CLASSES - 1


def made_gan(jit: bool = BACKEND.JIT[0]):
    config = tiny_config(generator=EMBEDDED, discriminator=CRITIC, labels="balanced")
    tiny = build(config, jit, labels=LABELS)
    tiny.objective.begin({"images": IMAGES, "labels": LABELS})
    return tiny


def test_counts_decay_and_follow_the_labels_that_images_got():
    tiny = made_gan()
    counts = []
    for _ in range(3):
        tiny.train(1)
        counts.append(tiny.snapshot()["state/balancing/0002/counts"])
    # A step has two generated batches of four; each keeps 0.9 of the counts and adds a tenth of its own.
    total = 0.0
    for found in counts:
        for _ in range(2):
            total = 0.9 * total + 0.1 * 4
        assert found.sum() == pytest.approx(total, rel=1e-5)


def test_a_resumed_run_goes_on_with_the_counts_of_its_state():
    whole = made_gan()
    rows = whole.train(6)
    first = made_gan()
    first.train(3)
    second = made_gan()
    restore(second.objective.variables(), first.snapshot(), "here")
    second.done = 3
    np.testing.assert_array_equal(second.train(3), rows[3:])


def test_the_counts_are_variables_of_the_objective_however_it_is_rebuilt():
    tiny = made_gan()
    again = tiny.objective.rebuild(tiny.objective.networks)
    assert again.state["balancing"] is not None
    for one, other in zip(again.state["balancing"], tiny.objective.state["balancing"], strict=True):
        assert one is other and isinstance(one, keras.Variable)
