"""Stopping politely: the first signal is remembered until a checkpoint is saved, a second Ctrl-C leaves at once."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_POLITE = ("SIGINT", "SIGTERM", "SIGUSR1")


@contextlib.contextmanager
def watched_signals() -> Iterator[Callable[[], str | None]]:
    """Gives a function that names the signal that asked this process to stop, or None.

    Closing the terminal (SIGHUP) is ignored meanwhile: it must not lose a run.
    """
    asked: list[str] = []

    def remember(number: int, frame) -> None:
        if asked and number == signal.SIGINT:
            os._exit(130)  # the checkpoint before this one is whole
        asked.append(signal.Signals(number).name)

    previous = {name: signal.signal(getattr(signal, name), remember) for name in _POLITE if hasattr(signal, name)}
    if hasattr(signal, "SIGHUP"):
        previous["SIGHUP"] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield lambda: asked[0] if asked else None
    finally:
        for name, handler in previous.items():
            signal.signal(getattr(signal, name), handler)
