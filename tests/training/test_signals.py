import os
import signal
import subprocess
import sys

import pytest

from ganlab.training.signals import watched_signals


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1"])
def test_a_signal_is_remembered_by_its_name(name):
    with watched_signals() as asked:
        assert asked() is None
        os.kill(os.getpid(), getattr(signal, name))
        assert asked() == name


def test_the_first_signal_counts_and_a_second_polite_one_does_not_kill():
    with watched_signals() as asked:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert asked() == "SIGTERM"


def test_closing_the_terminal_is_ignored():
    with watched_signals() as asked:
        os.kill(os.getpid(), signal.SIGHUP)
        assert asked() is None


def test_handlers_are_as_before_afterwards_also_after_an_error():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with pytest.raises(RuntimeError), watched_signals():
        assert signal.getsignal(signal.SIGINT) is not before[0]
        raise RuntimeError
    assert [signal.getsignal(number) for number in numbers] == before


def test_a_second_ctrl_c_leaves_at_once_with_130():
    program = """
import os, signal
from ganlab.training.signals import watched_signals
with watched_signals():
    os.kill(os.getpid(), signal.SIGINT)
    print("still here", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    print("not here", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "still here\n")


def test_a_third_ctrl_c_does_not_end_what_the_second_one_began():
    program = """
import os, signal
from ganlab.training.signals import watched_signals
def leaving():
    os.kill(os.getpid(), signal.SIGINT)
    print("written", flush=True)
with watched_signals(leaving):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "written\n")


def test_a_command_may_leave_by_an_exception_instead():
    def leave():
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), watched_signals(leave=leave):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
