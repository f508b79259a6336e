import numpy as np
import pytest

from ganlab.training import timing
from ganlab.training.timing import Choice, choose_steps
from tests.training.tiny import BACKEND, IMAGES, build, tiny_config


def choose(tiny, jit, steps):
    def make(compiled):
        return BACKEND.Steps(tiny.objective, IMAGES, (-1.0, 1.0), compiled)

    return choose_steps(BACKEND, make, tiny.objective, tiny.draws, jit, steps)


def trained_a_little():
    tiny = build(tiny_config(discriminator=["BatchNormalization", {"Dropout": {"rate": 0.5}}, {"Dense": {"units": 1}}]))
    tiny.train(2)
    return tiny, tiny.snapshot()


@pytest.mark.parametrize(("jit", "steps"), [(False, 10**9), ("auto", 3), (True, 3)])
def test_measuring_leaves_every_variable_as_it_was(jit, steps):
    tiny, before = trained_a_little()
    stepper, choice = choose(tiny, jit, steps)
    after = tiny.snapshot()
    assert [name for name in before if not np.array_equal(before[name], after[name])] == []
    assert stepper.jit is choice.jit is (jit is True)
    assert set(choice.seconds) == ({"xla"} if jit is True else {"plain"})
    assert 1 <= choice.room <= 200


@pytest.mark.slow  # compiles three times
def test_a_long_run_with_jit_auto_takes_what_was_measured_to_be_faster():
    tiny, before = trained_a_little()
    _, choice = choose(tiny, "auto", 10**9)
    measured = choice.seconds
    assert {"plain", "plain_passes", "xla_passes"} <= set(measured)
    if measured["xla_passes"] >= measured["plain_passes"]:
        assert "xla" not in measured and not choice.jit
    else:
        assert choice.jit is (measured["xla"] < measured["plain"])
    after = tiny.snapshot()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(("seconds", "room"), [(10.0, 1), (0.25, 2), (0.01, 50), (1e-6, 200)])
def test_a_chunk_takes_about_half_a_second(seconds, room):
    assert timing._room(seconds) == room


def test_a_choice_comes_back_from_a_manifest():
    choice = Choice(True, 32, {"plain": 0.25, "xla": 0.125})
    assert Choice(**choice.facts()) == choice
