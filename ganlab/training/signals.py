"""Stops a command after it has saved its work. A second Ctrl-C stops it at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

_POLITE = ("SIGINT", "SIGTERM", "SIGUSR1")
_STANDARD = (0, 1, 2)  # input, output, error
Asked = Callable[[], str | None]


def end_process() -> NoReturn:
    """Ends the process at once, with the exit code of a second Ctrl-C."""
    os._exit(130)


def interrupt() -> NoReturn:
    """Raises KeyboardInterrupt, for a process that has other work than this one, such as a notebook's kernel."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def watched_signals(
    before_leaving: Callable[[], object] = lambda: None, leave: Callable[[], object] = end_process
) -> Iterator[Asked]:
    """Gives a function that returns the name of the first signal that asked this process to stop, or None.

    A closed terminal (SIGHUP) stops nothing: the command continues, and its output is dropped.

    Args:
        before_leaving: called at a second Ctrl-C, at any point of the program.
        leave: called after `before_leaving`. By default the process ends; the newest checkpoint is whole.
    """
    asked: list[str] = []
    terminal = [descriptor for descriptor in _STANDARD if os.isatty(descriptor)]  # a closed terminal is not recognised

    def remember(number: int, frame: FrameType | None) -> None:
        if asked and number == signal.SIGINT:
            signal.signal(number, signal.SIG_IGN)  # a third Ctrl-C must not interrupt `before_leaving`
            try:
                before_leaving()
            finally:
                leave()
        asked.append(signal.Signals(number).name)

    with handling(dict.fromkeys(_POLITE, remember) | {"SIGHUP": lambda number, frame: print_nowhere(terminal)}):
        yield lambda: asked[0] if asked else None


@contextlib.contextmanager
def handling(handlers: dict[str, Callable | signal.Handlers]) -> Iterator[None]:
    """Handles signals, given by name, in the block. Names that this system does not know are left out.

    In another thread than the main one the block handles no signals, because Python allows it only there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    previous = {number: signal.signal(number, handler) for number, handler in known.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def print_nowhere(descriptors: list[int]) -> None:
    """Connects descriptors to the null device: writing to a terminal or a pipe that is gone would be an error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
