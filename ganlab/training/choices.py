"""Remembers what `timing` measured, in the cache: one measurement serves all runs of a cell on one machine.

So the seeds of an experiment are compiled alike, and each starts after one compilation instead of several.
"""

import contextlib
import hashlib
import json
import os
import platform
from pathlib import Path

from ganlab.errors import GanlabError
from ganlab.runs.environment import environment
from ganlab.storage.cache import cache_folder
from ganlab.storage.writing import read_json, write_json
from ganlab.sweep.resources import available_cpus
from ganlab.training.timing import Choice


def remembered_path(cell: str, jit: bool | str, backend: str, device: str) -> Path:
    """Where the choice for a cell is kept: another one for each version, machine, device and number of threads.

    Args:
        cell: of the plan: the networks, the data and the number of steps.
        jit: of the config.
        backend: its name.
        device: what the backend said it uses.
    """
    threads = {name: value for name, value in sorted(os.environ.items()) if name.endswith("_THREADS")}
    machine = [platform.node(), platform.machine(), available_cpus(), threads]
    key = [cell, jit, backend, device, environment(backend, device)["versions"], machine]
    return cache_folder() / "compilation" / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]}.json"


def recall(path: Path) -> Choice | None:
    """What was remembered; None if that is nothing, or nothing this ganlab can read."""
    try:
        return Choice.of(read_json(path))
    except (OSError, GanlabError, ValueError):
        return None


def remember(path: Path, choice: Choice) -> None:
    """Keeps a choice. A cache that cannot be written costs the next run a measurement, and nothing else."""
    with contextlib.suppress(OSError):
        write_json(path, choice.facts())
