import numpy as np
import pytest

from ganlab.training.checkpoints import restore
from ganlab.training.trainer import Callback, Trainer, next_multiple
from tests.training.tiny import SGD, build, tiny_config


class Recorder(Callback):
    """Wants chunks to end at some steps and remembers what it is given."""

    def __init__(self, *stops: int):
        self.stops, self.chunks = stops, []

    def next_due(self, step):
        return min((stop for stop in self.stops if stop > step), default=None)

    def on_chunk(self, chunk):
        self.chunks.append(chunk)


class Timed:
    """Performs the steps of others, or none, and pretends that a step takes some seconds."""

    def __init__(self, seconds, steps=None, columns=0):
        self.seconds, self.steps, self.columns = list(seconds), steps, columns

    def send(self, draws, room):
        return draws, self.steps and self.steps.send(draws, room)

    def start(self, sent, first):
        count = len(next(iter(sent[0].values())))
        finish = self.steps.start(sent[1], first) if self.steps else lambda: (np.zeros((count, self.columns)), None)

        def finished():
            each = self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]
            return finish()[0], count * each

        return finished

    def lost(self):
        return self.steps and self.steps.lost()


@pytest.fixture(scope="module")
def tiny():
    return build(tiny_config(optimizer=SGD))


@pytest.fixture(scope="module")
def start(tiny):
    return tiny.snapshot()


@pytest.fixture
def train(tiny, start):
    def trained(done, total, room, *callbacks):
        restore(tiny.objective.variables(), start, "start")
        steps = Timed([1e-9], tiny.steps)
        Trainer(steps, tiny.objective.column_names, tiny.draws, callbacks, room).train(done, total)

    return trained


def ends(recorder):
    return [chunk.step for chunk in recorder.chunks]


def test_after_two_steps_chunks_are_as_long_as_there_is_room_and_the_last_one_ends_at_the_total(train):
    recorder = Recorder()
    train(0, 12, 4, recorder)
    assert ends(recorder) == [1, 2, 6, 10, 12]
    assert [len(chunk.rows) for chunk in recorder.chunks] == [1, 1, 4, 4, 2]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0.0099], [1, 2, 52, 102, 152]),
        ([3.0, 0.0099], [1, 2, 3, 53, 103, 153]),  # compiled in the first one
        # Other programs come and go: the chunk after the next one is as long as it should be.
        ([0.0099, 0.0099, 0.24, 0.24, 10.0, 1e-6], [1, 2, 52, 102, 104, 106, 107, 160]),
    ],
)
def test_a_chunk_takes_about_half_a_second_whatever_the_machine_does_meanwhile(tiny, seconds, expected):
    recorder = Recorder()
    steps = Timed(seconds, columns=len(tiny.objective.columns))
    Trainer(steps, tiny.objective.column_names, tiny.draws, (recorder,), 200).train(0, expected[-1])
    assert ends(recorder) == expected
    assert sum(chunk.seconds for chunk in recorder.chunks) > 0


def test_chunks_end_where_any_callback_wants_to_look(train):
    first, second = Recorder(3, 9), Recorder(5)
    train(0, 10, 4, first, second)
    assert ends(first) == ends(second) == [1, 2, 3, 5, 9, 10]


def test_a_resumed_training_goes_on_after_what_is_done(train):
    recorder = Recorder(4)
    train(4, 10, 8, recorder)
    assert ends(recorder) == [5, 6, 10]
    assert len(recorder.chunks[2].rows) == 4


@pytest.mark.parametrize("total", [0, 4])
def test_nothing_happens_where_all_is_done(train, total):
    recorder = Recorder()
    train(4, total, 8, recorder)
    assert recorder.chunks == []


def test_callbacks_are_called_in_their_order(train):
    called = []

    class Named(Callback):
        def __init__(self, name):
            self.name = name

        def on_chunk(self, chunk):
            called.append((chunk.step, self.name))

    train(0, 2, 1, Named("first"), Named("second"))
    assert called == [(1, "first"), (1, "second"), (2, "first"), (2, "second")]


def test_rows_do_not_depend_on_the_chunks_and_have_a_column_by_name(train):
    small, large = Recorder(), Recorder()
    train(0, 6, 1, small)
    train(0, 6, 6, large)
    rows = [np.concatenate([chunk.rows for chunk in recorder.chunks]) for recorder in (small, large)]
    assert len(small.chunks) > len(large.chunks)
    np.testing.assert_array_equal(*rows)
    np.testing.assert_array_equal(large.chunks[1].column("g_loss"), large.chunks[1].rows[:, 1])
    assert all(chunk.seconds > 0 for chunk in small.chunks)


def test_callbacks_read_the_weights_of_their_own_chunk(tiny, train):
    """A backend may perform the next chunk while they are called."""
    taken = []

    class Reader(Callback):
        def on_chunk(self, chunk):
            taken.append(tiny.snapshot())

    train(0, 6, 1, Reader())
    for step, found in enumerate(taken, 1):
        train(0, step, 1)
        expected = tiny.snapshot()
        assert [name for name in expected if not np.array_equal(found[name], expected[name])] == []


def test_an_error_of_a_callback_ends_the_training(train):
    class Failing(Callback):
        def on_chunk(self, chunk):
            raise RuntimeError("enough")

    after = Recorder()
    with pytest.raises(RuntimeError, match="enough"):
        train(0, 6, 2, Failing(), after)
    assert after.chunks == []


@pytest.mark.parametrize(("step", "every", "expected"), [(0, 5, 5), (4, 5, 5), (5, 5, 10), (7, 1, 8), (3, None, None)])
def test_the_next_multiple(step, every, expected):
    assert next_multiple(step, every) == expected
