"""Figures that come out the same on every machine: matplotlib's own settings, Agg, PNG without a date."""

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
    """Has matplotlib's own settings in the block, and no warnings: neither MPLBACKEND nor a matplotlibrc of the user counts.

    The user's settings are back afterwards.
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
    """Gives an empty figure, made without pyplot, and writes it as PNG when the block ends well, whole or not at all.

    Args:
        path: the PNG.
        width, height: inches.
        dpi: pixels an inch.
        layout: `constrained` for axes that make room for their labels.
    """
    with default_settings():
        from matplotlib.figure import Figure

        figure = Figure((width, height), dpi, layout=layout)
        yield figure
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", backend="agg", metadata={"Software": None})


def _load() -> ModuleType:
    """Imports matplotlib, which refuses to be imported where MPLBACKEND names a backend that is not here.

    A notebook names its own for every process it starts.
    """
    chosen = os.environ.pop("MPLBACKEND", None) if "matplotlib" not in sys.modules else None
    import matplotlib

    if chosen:
        os.environ["MPLBACKEND"] = chosen
        with contextlib.suppress(ValueError):
            matplotlib.rcParams["backend"] = chosen  # as its import would have done
    return matplotlib
