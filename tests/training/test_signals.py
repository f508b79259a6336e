import os
import signal

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


def of_fork(work) -> tuple[int, str]:
    """The exit code of a forked process that calls `work` with a descriptor, and what it writes there."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(writer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as output:
        written = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), written


def test_a_second_ctrl_c_leaves_at_once_with_130():
    def work(output):
        with watched_signals():
            os.kill(os.getpid(), signal.SIGINT)
            os.write(output, b"still here")
            os.kill(os.getpid(), signal.SIGINT)
            os.write(output, b", and here")

    assert of_fork(work) == (130, "still here")


def test_a_third_ctrl_c_does_not_end_what_the_second_one_began():
    def work(output):
        def leaving():
            os.kill(os.getpid(), signal.SIGINT)
            os.write(output, b"written")

        with watched_signals(leaving):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    assert of_fork(work) == (130, "written")


@pytest.mark.parametrize("others", [{0}, {1}, {2}, set()])
def test_what_is_printed_on_a_closed_terminal_is_dropped_and_other_outputs_stay(others):
    def work(output):
        slave = os.openpty()[1]
        for descriptor in range(3):
            os.dup2(output if descriptor in others else slave, descriptor)
        with watched_signals():
            before = len(os.listdir("/dev/fd"))
            os.kill(os.getpid(), signal.SIGHUP)
            kept = len(os.listdir("/dev/fd")) == before
        nowhere = [os.path.samestat(os.fstat(each), os.stat(os.devnull)) for each in range(3)]
        os.write(output, f"{nowhere}, {kept}".encode())

    assert of_fork(work) == (0, f"{[each not in others for each in range(3)]}, True")


def test_a_command_may_leave_by_an_exception_instead():
    def leave():
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), watched_signals(leave=leave):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
