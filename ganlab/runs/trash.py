"""Moves run folders to results/.trash, from where a user can move them back."""

import os
from pathlib import Path

from ganlab.errors import GanlabError
from ganlab.runs.containment import require_contained, require_unlinked
from ganlab.runs.folder import RunFolder
from ganlab.runs.locks import locked

_FOLDER = ".trash"  # lists skip names that begin with a dot


def move_to_trash(run: Path) -> Path:
    """Moves a run folder to `.trash/<dataset>/<run>` beside its data set's folder, and gives the new place.

    The run's lock is held meanwhile, so that no process trains it. A run of this name in the trash is kept: the new one gets
    a number.

    Raises:
        LockedError: a process trains the run.
        GanlabError: the folder or the trash is a link, the folder contains links, or status.json is damaged.
    """
    folder = RunFolder(run)
    results = folder.results
    require_unlinked(run.parent.parent, run)
    require_contained(run)
    status = folder.status()
    if "identity" not in status:
        raise GanlabError(f"{folder.status_file}: damaged: identity is missing")
    place = results / _FOLDER / run.parent.name
    target, number = place / run.name, 2
    with locked(results, status["identity"]):
        require_unlinked(results, target)
        while target.exists():
            target, number = place / f"{run.name}-{number}", number + 1
        place.mkdir(parents=True, exist_ok=True)
        os.rename(run, target)
    return target
