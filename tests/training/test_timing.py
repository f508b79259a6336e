import numpy as np
import pytest

from ganlab.training import timing
from ganlab.training.timing import Choice, choose_steps
from tests.training.tiny import BACKEND, IMAGES, build, tiny_config


def choose(tiny, jit, steps):
    def make(objective, compiled):
        return BACKEND.Steps(objective, {"images": IMAGES}, (-1.0, 1.0), compiled)

    return choose_steps(BACKEND, make, tiny.objective, tiny.draws, jit, steps)


def trained_a_little():
    tiny = build(tiny_config(discriminator=["BatchNormalization", {"Dropout": {"rate": 0.5}}, {"Dense": {"units": 1}}]))
    tiny.train(2)
    return tiny, tiny.snapshot()


@pytest.mark.parametrize(("jit", "steps"), [(False, 10**9), ("auto", 3), (True, 3)])
def test_measuring_leaves_every_variable_as_it_was(jit, steps):
    if jit not in ("auto", *BACKEND.JIT):
        pytest.skip(f"this backend has only jit: {BACKEND.JIT[0]}")
    tiny, before = trained_a_little()
    stepper, choice = choose(tiny, jit, steps)
    after = tiny.snapshot()
    assert [name for name in before if not np.array_equal(before[name], after[name])] == []
    assert stepper.jit is choice.jit is (BACKEND.JIT[0] if jit == "auto" else jit)
    assert set(choice.seconds) == ({"xla"} if choice.jit else {"plain"})
    assert 1 <= choice.room <= 200


@pytest.mark.slow  # compiles twice
@pytest.mark.skipif(len(BACKEND.JIT) == 1, reason="this backend has one form to measure")
def test_a_long_run_with_jit_auto_takes_what_was_measured_to_be_faster(monkeypatch):
    monkeypatch.setattr(BACKEND, "known_jit", lambda *_: None)
    tiny, before = trained_a_little()
    _, choice = choose(tiny, "auto", 10**9)
    assert set(choice.seconds) == {"plain", "xla"}
    assert choice.jit is (choice.seconds["xla"] < choice.seconds["plain"])
    after = tiny.snapshot()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.skipif(len(BACKEND.JIT) == 1, reason="this backend has one form to measure")
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("jit", ["auto", False])
def test_what_the_backend_knows_is_not_measured_unless_the_config_says_otherwise(monkeypatch, jit, known):
    asked = []

    def know(objective, steps):
        asked.append(steps)
        return known

    monkeypatch.setattr(BACKEND, "known_jit", know)
    _, choice = choose(build(tiny_config()), jit, 10**9)
    assert choice.jit is (jit == "auto" and known) and set(choice.seconds) == ({"xla"} if choice.jit else {"plain"})
    assert asked == ([10**9] if jit == "auto" else [])


def test_the_first_guess_of_a_chunk_is_by_operations(monkeypatch):
    tiny = build(tiny_config())
    for operations, room in ((0, 200), (10**9, 50), (10**12, 1)):
        monkeypatch.setattr(timing, "step_flops", lambda _, operations=operations: operations)
        assert timing._first_room(tiny.objective) == room


def test_a_race_ends_early_where_one_form_is_twice_as_fast(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    tiny, raced = build(tiny_config()), {}
    for slow in (0.011, 0.02):
        forms = [timing._Form(str(s), tiny.objective, False, 8, Pretended(clock, s, None, False)) for s in (0.01, slow)]
        start, seconds = clock.now, {}
        timing._race(forms, tiny.draws, seconds)
        raced[slow] = clock.now - start
        assert seconds == pytest.approx({"0.01": 0.01, str(slow): slow})
    assert raced[0.02] < 0.6 < 1.2 < raced[0.011]


class Pretended:
    """Steps that take the time a test says, on a clock that only they move."""

    def __init__(self, clock, seconds, objective, jit):
        self.clock, self.seconds, self.jit, self.objective = clock, seconds, jit, objective

    def run(self, draws, first, room):
        self.clock.now += self.seconds * len(next(iter(draws.values())))


class Clock:
    now = 0.0

    def perf_counter(self):
        return self.now


@pytest.mark.parametrize(
    ("plain", "folded", "steps", "fold", "tried"),
    [
        (0.1, 0.05, 1000, True, {"plain", "folded"}),
        (0.1, 0.2, 1000, False, {"plain", "folded"}),
        (0.1, 0.05, 100, False, {"plain"}),  # ten seconds of training do not pay for another form
    ],
)
def test_up_sampling_is_folded_in_long_runs_where_that_measures_faster(monkeypatch, plain, folded, steps, fold, tried):
    layers = [
        {"Dense": {"units": 4}},
        {"Reshape": {"target_shape": [2, 2, 1]}},
        "UpSampling2D",
        {"Conv2D": {"filters": 1, "kernel_size": 3, "padding": "same"}},
    ]
    images = np.zeros((20, 4, 4, 1), np.uint8)
    tiny = build(tiny_config(generator=layers, discriminator=["Flatten", {"Dense": {"units": 1}}]), images=images)
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)

    def make(objective, jit):
        return Pretended(clock, plain if objective is tiny.objective else folded, objective, jit)

    stepper, choice = choose_steps(BACKEND, make, tiny.objective, tiny.draws, False, steps)
    assert choice.fold is (stepper.objective is not tiny.objective) is fold
    assert set(choice.seconds) == tried
    assert choice.room == int(0.5 / min(choice.seconds.values()))


@pytest.mark.parametrize(("seconds", "room"), [(10.0, 1), (0.25, 2), (0.01, 50), (1e-6, 200)])
def test_a_chunk_takes_about_half_a_second(seconds, room):
    assert timing._room(seconds) == room


def test_a_choice_comes_back_from_a_manifest():
    choice = Choice(True, 32, {"plain": 0.25, "xla": 0.125}, fold=True)
    assert Choice(**choice.facts()) == choice


def test_a_manifest_from_before_there_was_folding_goes_on_unfolded():
    assert not Choice(**{"jit": False, "room": 8, "seconds": {"plain": 0.25}}).fold
