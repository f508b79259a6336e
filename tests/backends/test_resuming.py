"""A training that is stopped and resumed ends in the same bits as one that is not, random layers included."""

import numpy as np
import pytest

from ganlab.runs.folder import RunFolder
from ganlab.training.checkpoints import newest_state, restore, write_state
from tests.training.tiny import build, tiny_config

BATCH_NORM = [{"Dense": {"units": 5}}, "BatchNormalization", "LeakyReLU"]
EVERYTHING = {
    "generator": [*BATCH_NORM, {"Dropout": {"rate": 0.3}}, {"Dense": {"units": 8, "activation": "tanh"}}],
    "discriminator": [
        {"GaussianNoise": {"stddev": 0.1}},
        *BATCH_NORM,
        {"Dropout": {"rate": 0.4}},
        {"Dense": {"units": 1}},
    ],
    "optimizer": {
        "Adam": {
            "learning_rate": {"PolynomialDecay": {"initial_learning_rate": 0.01, "decay_steps": 20}},
            "beta_1": 0.5,
        }
    },
    "train": {"ema": 0.9},
    "penalty": {"r1": {"weight": 1.0, "every": 2}},
    "loss": {"non_saturating": {"real_label": [0.8, 1.0], "flip_labels": 0.1}},
}


@pytest.fixture(scope="module")
def tiny():
    """Built and traced once; `start` puts it back to step 0."""
    return build(tiny_config(**EVERYTHING))


@pytest.fixture(scope="module")
def start(tiny):
    return tiny.snapshot()


@pytest.fixture(scope="module")
def whole(tiny, start):
    """Six steps in one go: (state, rows)."""
    rows = continued(tiny, 0, start, 6, 8)
    return tiny.snapshot(), rows


def continued(tiny, done, state, steps, room):
    restore(tiny.objective.variables(), state, "state")
    tiny.done = done
    return tiny.train(steps, room)


def test_three_steps_and_three_more_from_disk_equal_six_bit_for_bit(tiny, start, whole, tmp_path):
    folder = RunFolder(tmp_path)
    rows = [continued(tiny, 0, start, 3, 8)]
    folder.history.write_text("step,seconds\n1,0.1\n2,0.1\n3,0.1\n")
    write_state(folder, 3, tiny.snapshot(), {})
    anew = build(tiny_config(**EVERYTHING))
    done, arrays, _ = newest_state(folder)
    rows.append(continued(anew, done, arrays, 3, 2))
    assert_same(anew.snapshot(), whole[0])
    np.testing.assert_array_equal(np.concatenate(rows), whole[1])


@pytest.mark.parametrize("room", [1, 3])
def test_the_size_of_chunks_changes_no_bit(tiny, start, whole, room):
    rows = continued(tiny, 0, start, 6, room)
    assert_same(tiny.snapshot(), whole[0])
    np.testing.assert_array_equal(rows, whole[1])


@pytest.mark.parametrize("owner", ["seed_generator", "optimizers/", "averages/", "moving_"])
def test_a_state_that_forgot_a_part_would_end_elsewhere(tiny, start, whole, owner):
    """The comparisons above can fail: each of these parts matters."""
    continued(tiny, 0, start, 3, 8)
    forgotten = {name: start[name] for name in start if owner in name}
    assert forgotten
    continued(tiny, 3, tiny.snapshot() | forgotten, 3, 8)
    assert any(not np.array_equal(array, whole[0][name]) for name, array in tiny.snapshot().items())


def assert_same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    assert [name for name in expected if not np.array_equal(found[name], expected[name])] == []
