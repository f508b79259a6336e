"""Figures that are equal on every machine: matplotlib's default settings, Agg, PNG without a date."""

import contextlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ganlab.storage.writing import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_lock = threading.RLock()  # matplotlib's settings belong to the whole process


@contextlib.contextmanager
def default_settings() -> Iterator[None]:
    """Uses matplotlib's default settings in the block, whatever MPLBACKEND and the user's matplotlibrc say.

    Warnings are ignored. Afterwards the user's settings hold again.
    """
    log = logging.getLogger("matplotlib")
    level = log.level
    with _lock, warnings.catch_warnings(action="ignore"):
        log.setLevel(logging.ERROR)
        try:
            matplotlib = _load()
            with matplotlib.rc_context():
                matplotlib.rcdefaults()
                yield
        finally:
            log.setLevel(level)


@contextlib.contextmanager
def drawing(path: Path, width: float, height: float, dpi: float, layout: str | None = None) -> Iterator["Figure"]:
    """Gives an empty figure, made without pyplot, and writes it as PNG when the block ends without an error.

    Args:
        path: the PNG, written completely or not at all.
        width, height: inches.
        dpi: pixels per inch.
        layout: `constrained` for axes that make room for their labels.
    """
    with default_settings():
        from matplotlib.figure import Figure

        figure = Figure((width, height), dpi, layout=layout)
        yield figure
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", backend="agg", metadata={"Software": None})


def _load() -> ModuleType:
    """Imports matplotlib. Its import fails if MPLBACKEND names a missing backend, as in processes that a notebook starts."""
    chosen = os.environ.pop("MPLBACKEND", None) if "matplotlib" not in sys.modules else None
    import matplotlib

    if chosen:
        os.environ["MPLBACKEND"] = chosen
        with contextlib.suppress(ValueError):
            matplotlib.rcParams["backend"] = chosen  # as its import would have done
    return matplotlib
