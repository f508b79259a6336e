"""The writer beside the training: order, errors, and that it holds nothing back."""

import errno
import gc
import threading
import weakref

import numpy as np
import pytest

from ganlab.errors import DivergedError
from ganlab.training.background import BackgroundWriter


def full_disk():
    raise OSError(errno.ENOSPC, "No space left on device", "state-000003")


def wait_for_failure(writer):
    with pytest.raises(OSError, match="No space left"):
        writer.flush()


def test_writes_happen_in_their_order_beside_the_thread_that_hands_them_over(writer):
    written = []
    for number in range(20):
        writer.submit(lambda number=number: written.append((number, threading.current_thread().name)))
    writer.flush()
    assert written == [(number, "writer") for number in range(20)]


def test_a_write_that_hangs_does_not_keep_the_process(writer):
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "writer")
    assert thread.daemon  # Python waits at its end for every other thread


def test_the_training_goes_on_while_one_is_slow(writer):
    gate, written = threading.Event(), []
    writer.submit(gate.wait)
    writer.submit(lambda: written.append(1))
    writer.raise_error()
    assert written == []
    gate.set()
    writer.flush()
    assert written == [1]


def test_no_more_writes_wait_than_there_is_room_for():
    gate, handed_over = threading.Event(), threading.Semaphore(0)
    started = threading.Event()
    writer = BackgroundWriter(room=1)

    def slow():
        started.set()
        gate.wait()

    def hand_over():
        for _ in range(3):
            writer.submit(lambda: None)
            handed_over.release()

    writer.submit(slow)
    started.wait()
    training = threading.Thread(target=hand_over)
    training.start()
    assert handed_over.acquire(timeout=10)  # it waits
    assert not handed_over.acquire(timeout=0.2)  # the next one does not fit
    gate.set()
    training.join(timeout=10)
    assert not training.is_alive()
    writer.close()


def test_an_error_is_raised_once_more_where_training_looks_next(writer):
    writer.submit(full_disk)
    wait_for_failure(writer)
    for look in (writer.raise_error, lambda: writer.submit(list), writer.flush):
        with pytest.raises(OSError) as caught:
            look()
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "state-000003")


def test_an_error_keeps_its_kind_and_with_it_its_exit_code(writer):
    def diverge():
        raise DivergedError("kernel is not finite at step 3")

    writer.submit(diverge)
    with pytest.raises(DivergedError, match="step 3"):
        writer.flush()


def test_nothing_is_written_after_a_write_that_failed(writer):
    written, gate = [], threading.Event()
    writer.submit(gate.wait)
    writer.submit(full_disk)
    writer.submit(lambda: written.append("state"))
    gate.set()
    wait_for_failure(writer)
    assert written == []


def test_closing_writes_what_waits_and_ends_the_thread_also_after_an_error():
    written = []
    writer = BackgroundWriter()
    writer.submit(lambda: written.append(1))
    writer.close()
    assert written == [1]
    failed = BackgroundWriter()
    failed.submit(full_disk)
    failed.close()
    assert "writer" not in {thread.name for thread in threading.enumerate()}


def test_the_copies_of_a_write_are_freed_when_it_is_done(writer):
    array = np.ones(3)
    kept = weakref.ref(array)
    writer.submit(lambda array=array: array.sum())
    del array
    writer.flush()
    gc.collect()
    assert kept() is None
