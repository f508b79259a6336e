"""Signals, closed terminals and closed pipes reach a real process at every stage of a run."""

import contextlib
import fcntl
import functools
import json
import os
import pty
import signal
import termios
import time

import pytest

from tests.cli.experiments import CONFIG
from tests.forks import Fork
from tests.reliability.runs import require_sound, start

LONG = ["run", "tiny.yaml", "-o", "train.steps=1000000", "-o", "output.checkpoint_every=50", "-o", "metrics=[]"]
SHORT = ["run", "tiny.yaml", "-o", "train.steps=2000", "-o", "output.checkpoint_every=1000", "-o", "metrics=[]"]
SHORT += ["-o", "output.metrics_every=null", "-o", "output.samples_every=1000"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    return tmp_path


def wait_for(process, found) -> None:
    give_up = time.monotonic() + 300
    while not found():
        assert process.poll() is None and time.monotonic() < give_up
        time.sleep(0.005)


def is_locked(folder):
    return lambda: any(folder.glob("results/.locks/*.owner"))


def is_measuring(folder):
    return lambda: any('"running"' in path.read_text() for path in folder.glob("results/*/*/status.json"))


def has_saved(folder):
    return lambda: len(list(folder.glob("results/*/*/checkpoints/state-*"))) == 2


def status(folder):
    (path,) = folder.glob("results/*/*/status.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1"])
def test_a_signal_while_it_trains_saves_the_step(folder, name):
    process = Fork(folder, *LONG, "-q")
    wait_for(process, has_saved(folder))
    process.send_signal(getattr(signal, name))
    printed = process.communicate(timeout=300)[0]
    assert process.returncode == 75
    assert printed.startswith(f"stopped by {name} after saving step ") and printed.count("\n") == 1
    step = int(printed.split("step ")[1].split(";")[0])
    assert status(folder)["status"] == "stopped" and list(folder.glob(f"results/*/*/checkpoints/state-{step:06d}"))
    require_sound(folder / "results")


def test_a_signal_while_the_steps_are_measured_saves_the_first_ones(folder):
    process = Fork(folder, *LONG, "-q")
    wait_for(process, is_measuring(folder))
    process.send_signal(signal.SIGTERM)
    printed = process.communicate(timeout=300)[0]
    assert process.returncode == 75 and printed.startswith("stopped by SIGTERM after saving step ")
    assert status(folder)["status"] == "stopped"
    require_sound(folder / "results")


def test_a_signal_while_keras_is_loaded_leaves_no_run(folder):
    process = start(folder, *LONG, "-q")
    wait_for(process, is_locked(folder))
    process.send_signal(signal.SIGTERM)
    printed = process.communicate(timeout=300)[0]
    assert process.returncode == 75
    assert printed == "stopped by SIGTERM before its first step; the same command goes on\n"
    assert [path.name for path in folder.iterdir()] == ["tiny.yaml"]


@pytest.mark.parametrize(
    ("begin", "stage", "left"),
    [(start, is_locked, None), (Fork, is_measuring, "stopped"), (Fork, has_saved, "stopped")],
)
def test_a_second_ctrl_c_leaves_at_once_and_the_checkpoint_before_is_whole(folder, begin, stage, left):
    process = begin(folder, *LONG, "-q")
    wait_for(process, stage(folder))
    os.kill(process.pid, signal.SIGSTOP)  # so that both are there when it looks
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGCONT)
    with contextlib.suppress(ProcessLookupError):
        while process.poll() is None:
            os.kill(process.pid, signal.SIGINT)
            time.sleep(0.001)
    printed = process.communicate(timeout=300)[0]
    assert (process.returncode, printed) == (130, "")
    if left:
        assert (status(folder)["status"], status(folder)["reason"]) == (left, "left by a second Ctrl-C, without saving")
    require_sound(folder / "results")


def take_terminal(name: str) -> None:
    """Makes a terminal the one of this process, which has none yet."""
    terminal = os.open(name, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(terminal, descriptor)
    os.close(terminal)


def forked(folder, terminal):
    return Fork(folder, *SHORT, prepare=functools.partial(take_terminal, os.ttyname(terminal)))


def swept(folder, terminal):
    """A sweep starts processes of its own, which a forked process may not."""
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    return start(folder, "sweep", *SHORT[1:], **streams, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY))


@pytest.mark.parametrize(
    ("begin", "said"), [(forked, b"(new, 2000 steps"), (swept, b"started (1 of 1)")], ids=["run", "sweep"]
)
def test_closing_the_terminal_does_not_end_a_command(folder, begin, said):
    ours, theirs = pty.openpty()
    process = begin(folder, theirs)
    os.close(theirs)
    printed = b""
    wait_for(process, is_measuring(folder))
    printed += os.read(ours, 100_000)
    os.close(ours)  # the system sends SIGHUP, and every later write to the terminal fails
    assert process.wait(timeout=300) == 0
    assert said in printed and status(folder)["status"] == "finished"
    require_sound(folder / "results")


def test_a_reader_that_leaves_does_not_end_a_run(folder):
    process = Fork(folder, *SHORT)
    assert "(new, 2000 steps" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=300) == 0
    assert status(folder)["status"] == "finished"
    require_sound(folder / "results")
