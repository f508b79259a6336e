"""Signals that stop a command politely: the first is remembered until work is saved, a second Ctrl-C leaves at once."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_POLITE = ("SIGINT", "SIGTERM", "SIGUSR1")
_STANDARD = (0, 1, 2)  # input, output, error
Asked = Callable[[], str | None]


@contextlib.contextmanager
def watched_signals(
    before_leaving: Callable[[], object] = lambda: None, leave: Callable[[], object] = lambda: os._exit(130)
) -> Iterator[Asked]:
    """Gives a function that names the signal that asked this process to stop, or None.

    Closing the terminal (SIGHUP) stops nothing: the command goes on, and what it prints goes nowhere.

    Args:
        before_leaving: called when a second Ctrl-C comes, in the middle of whatever happens then.
        leave: called after it. By default the process ends, for the checkpoint before this one is whole.
    """
    asked: list[str] = []
    terminal = [descriptor for descriptor in _STANDARD if os.isatty(descriptor)]  # once it is closed nobody can tell

    def remember(number: int, frame) -> None:
        if asked and number == signal.SIGINT:
            signal.signal(number, signal.SIG_IGN)  # a third one must not end the leaving before it is done
            try:
                before_leaving()
            finally:
                leave()
        asked.append(signal.Signals(number).name)

    with handling(dict.fromkeys(_POLITE, remember) | {"SIGHUP": lambda number, frame: print_nowhere(terminal)}):
        yield lambda: asked[0] if asked else None


@contextlib.contextmanager
def handling(handlers: dict[str, Callable | signal.Handlers]) -> Iterator[None]:
    """Has signals handled in the block, by name; those that this system does not have are left out."""
    known = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    previous = {number: signal.signal(number, handler) for number, handler in known.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def print_nowhere(descriptors: list[int]) -> None:
    """Lets standard input and output lead to nothing: writing to a terminal or a pipe that is gone is an error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
