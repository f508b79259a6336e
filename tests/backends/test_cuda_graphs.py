"""Steps as CUDA graphs equal plain steps. Without a GPU, a replay is played by the step itself, on the memory of the graph."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("PyTorch's steps", allow_module_level=True)

import torch

from ganlab.backends.cuda_graphs import GraphSteps
from tests.backends.families import FAMILIES, made
from tests.training.tiny import build, tiny_config

DROPPING = [{"Dense": {"units": 6}}, "LeakyReLU", {"Dropout": {"rate": 0.4}}, {"Dense": {"units": 1}}]
TOLERANCE = 1e-3 if torch.cuda.is_available() else 2e-5
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that PyTorch reaches through CUDA")


class Played(GraphSteps):
    """Plays recordings on a CPU: a replay performs the step with the generators that a graph would use."""

    def record(self, number):
        variant = self.variant(number)
        self.seeds.generators(variant, self.device)

        def replay():
            self.played = getattr(self, "played", 0) + 1
            with self.seeds.from_generators(variant):
                self._compute(number)

        return replay


def played(tiny, room):
    """The same steps through the memory of graphs."""
    tiny.steps.jit = True
    tiny.steps.graphs = Played(tiny.steps._row, tiny.steps._variant, tiny.steps.column_count, room)
    return tiny


@pytest.mark.parametrize("family", FAMILIES)
def test_replays_compute_what_plain_steps_compute(family):
    plain, replayed = made(family), played(made(family), room=4)
    rows = plain.train(11, room=4)
    # Rates of Adam are rounded differently, and a GPU adds in another order each time.
    np.testing.assert_allclose(replayed.train(11, room=4), rows, rtol=TOLERANCE, atol=TOLERANCE / 10)
    assert replayed.steps.graphs.played >= 4
    for name, array in plain.snapshot().items():
        close = {"rtol": 10 * TOLERANCE, "atol": TOLERANCE}
        np.testing.assert_allclose(replayed.snapshot()[name], array, **close, err_msg=name)


def test_each_draw_of_a_step_has_other_numbers_in_each_replay():
    config = tiny_config(discriminator=DROPPING, train={"discriminator_steps": 2})
    plain, tiny = build(config), played(build(config), room=8)
    np.testing.assert_allclose(tiny.train(8), plain.train(8), rtol=1e-5)
    (generators,) = tiny.steps.graphs.seeds._generators.values()
    assert len(generators) == 5  # dropout in two turns on real and generated images, and once for the generator
    assert len({generator.initial_seed() for generator in generators}) == 5


def test_a_step_that_cannot_be_recorded_runs_plainly_with_a_note():
    tiny = build(tiny_config())
    tiny.steps.jit = True
    rows = tiny.train(5)
    if not torch.cuda.is_available():
        assert tiny.steps.note == "no CUDA graph: the device is cpu"
    np.testing.assert_allclose(rows, build(tiny_config()).train(5), rtol=1e-6)


@needs_gpu
@pytest.mark.parametrize("family", FAMILIES)
def test_graphs_compute_what_plain_steps_compute(family):
    plain, recorded = made(family), made(family, jit=True)
    rows = plain.train(11, room=4)
    np.testing.assert_allclose(recorded.train(11, room=4), rows, rtol=TOLERANCE, atol=TOLERANCE / 10)
    assert recorded.steps.note is None
    assert recorded.steps.graphs.recorded
    for name, array in plain.snapshot().items():
        close = {"rtol": 10 * TOLERANCE, "atol": TOLERANCE}
        np.testing.assert_allclose(recorded.snapshot()[name], array, **close, err_msg=name)
