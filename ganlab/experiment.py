"""`ganlab run`, one line a stage: the page to read first."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlab.backend import select_backend
from ganlab.config.identity import identity_of
from ganlab.config.loading import dump_config
from ganlab.config.schema import Config
from ganlab.config.steps import total_steps
from ganlab.data.dataset import Dataset
from ganlab.data.registry import load_dataset
from ganlab.errors import DivergedError, StoppedError
from ganlab.files import write_json, write_text
from ganlab.locks import locked, owner_record
from ganlab.runfolder import RunFolder


@dataclass(frozen=True)
class Plan:
    """One experiment before anything is built: what will be trained, on what, and where it goes."""

    config: Config
    dataset: Dataset
    steps: int
    cell: str
    identity: str
    folder: RunFolder


def plan_experiment(
    config: Config, results: Path, fresh: bool = False, start: str | None = None, dataset: Dataset | None = None
) -> Plan:
    """Loads the data and names the run.

    Args:
        config: the experiment.
        results: the folder of all runs.
        fresh: whether it starts again, in a new folder.
        start: identifies the weights another run gives it, with --init-from.
        dataset: what `config.data` describes, where it is loaded already.
    """
    os.environ["KERAS_BACKEND"] = config.backend  # whoever needs Keras first, such as a download, takes this one
    dataset = dataset or load_dataset(config.data, config.error_at)
    steps = total_steps(config, dataset.count)
    origin = dataset.fingerprint if start is None else f"{dataset.fingerprint} from {start}"
    cell, identity = identity_of(config, origin, steps)
    folder = _folder_of(results / config.data.name, f"{config.name}-seed{config.seed}-{identity[:8]}", fresh)
    return Plan(config, dataset, steps, cell, identity, folder)


def run_experiment(plan: Plan, results: Path, start: dict | None = None, quiet: bool = False) -> RunFolder:
    """Trains a planned experiment to its end, from its newest checkpoint if there is one.

    Returns at once for a finished run. Raises DivergedError, StoppedError, LockedError, CheckpointError and others as
    ganlab.errors lists them; status.json says the same.
    """
    if plan.folder.status().get("status") == "finished":
        return plan.folder
    with locked(results, plan.identity):
        select_backend(plan.config.backend)
        from ganlab.session import Session  # loads Keras

        session = Session(plan, start)
        began = time.time()
        before = plan.folder.status().get("seconds", 0.0)
        _create(plan, session)
        try:
            verdict = session.train(quiet)
        except (Exception, KeyboardInterrupt) as error:
            session.close()
            plan.folder.set_status(_state_of(error), reason=str(error), seconds=before + time.time() - began)
            if isinstance(error, DivergedError):
                session.summarise("diverged", {"verdict": "diverged"}, before + time.time() - began)
            raise
        session.summarise("finished", verdict, before + time.time() - began)
        plan.folder.set_status("finished", **verdict, seconds=round(before + time.time() - began, 2))
    return plan.folder


def _create(plan: Plan, session: Any) -> None:
    """Makes the folder, or leaves it to the session to go on in it; nothing is written before all of it is known to fit."""
    folder = plan.folder
    if not folder.status():
        folder.path.mkdir(parents=True, exist_ok=True)
        write_text(folder.config, dump_config(plan.config))
        session.describe()
        write_json(folder.environment, session.environment())
        identity = {"identity": plan.identity, "cell": plan.cell, "steps": plan.steps}
        folder.set_status("created", **identity, data_fingerprint=plan.dataset.fingerprint)
    folder.set_status("running", owner=owner_record(), reason=None)


def _state_of(error: BaseException) -> str:
    if isinstance(error, DivergedError):
        return "diverged"
    return "stopped" if isinstance(error, (StoppedError, KeyboardInterrupt)) else "failed"


def _folder_of(parent: Path, name: str, fresh: bool) -> RunFolder:
    """The newest folder of that name; with `fresh` a new one beside it: NAME, NAME-2, NAME-3, ..."""
    number = 1
    while (parent / _numbered(name, number + 1)).exists():
        number += 1
    if fresh and (parent / name).exists():
        number += 1
    return RunFolder(parent / _numbered(name, number))


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"
