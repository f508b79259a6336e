"""Programs that show many runs at once: MLflow and TensorBoard."""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ganlab.errors import ConfigError, GanlabError

if TYPE_CHECKING:
    from ganlab.trackers.content import Content

TRACKERS = {
    "mlflow": ("ganlab.trackers.mlflow", "MlflowTracker"),
    "tensorboard": ("ganlab.trackers.tensorboard", "TensorboardTracker"),
}


class Tracker(Protocol):
    """Sends runs to one place. It is made of an address, or None, and the folder of all runs.

    Attributes:
        viewer: the command or the address that shows the runs.
    """

    viewer: str

    def send(self, content: "Content") -> None:
        """Sends everything of a run that the place does not have yet. Raises: GanlabError, OSError."""


def open_tracker(track: str, results: Path) -> Tracker:
    """The tracker of a config's `track`: `mlflow`, `tensorboard`, or one of them with its address, `mlflow:http://localhost:5000`.

    A tracker without an address keeps its files in `results`, the folder of all runs.

    Raises: ConfigError, if its program is not installed.
    """
    require_installed(track)
    name, _, address = track.partition(":")
    module, kind = TRACKERS[name]
    return getattr(importlib.import_module(module), kind)(address or None, results)


def require_installed(track: str, error_at: Callable[[str], GanlabError] = ConfigError) -> None:
    """Raises the error that `error_at` makes of a message, if the program of a tracker is not installed."""
    name = track.partition(":")[0]
    if name in TRACKERS and importlib.util.find_spec(name) is None:
        raise error_at(f"{name} is not installed; pip install 'ganlab[{name}]'")
