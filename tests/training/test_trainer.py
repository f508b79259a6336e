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
        Trainer(tiny.steps, tiny.objective.column_names, tiny.draws, callbacks, room).train(done, total)

    return trained


def ends(recorder):
    return [chunk.step for chunk in recorder.chunks]


def test_chunks_are_as_long_as_there_is_room_and_the_last_one_ends_at_the_total(train):
    recorder = Recorder()
    train(0, 10, 4, recorder)
    assert ends(recorder) == [4, 8, 10]
    assert [len(chunk.rows) for chunk in recorder.chunks] == [4, 4, 2]


def test_chunks_end_where_any_callback_wants_to_look(train):
    first, second = Recorder(3, 9), Recorder(5)
    train(0, 10, 4, first, second)
    assert ends(first) == ends(second) == [3, 5, 9, 10]


def test_a_resumed_training_goes_on_after_what_is_done(train):
    recorder = Recorder(4)
    train(4, 10, 8, recorder)
    assert ends(recorder) == [10]
    assert len(recorder.chunks[0].rows) == 6


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
    np.testing.assert_array_equal(np.concatenate([chunk.rows for chunk in small.chunks]), large.chunks[0].rows)
    np.testing.assert_array_equal(large.chunks[0].column("g_loss"), large.chunks[0].rows[:, 1])
    assert all(chunk.seconds > 0 for chunk in small.chunks)


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
