"""`ganlab run`, one line a stage: the page to read first."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ganlab.backends.select import ONEDNN, select_backend
from ganlab.config.loading import dump_config
from ganlab.errors import DivergedError, LockedError, StoppedError
from ganlab.flows.plan import Plan
from ganlab.runs.environment import environment, setting_of
from ganlab.runs.folder import RunFolder, remove
from ganlab.runs.locks import is_this_process, locked, owner_record
from ganlab.storage.writing import guarding, write_json, write_text
from ganlab.trackers.follow import followed
from ganlab.training.signals import Asked, end_process, watched_signals


def run_experiment(
    plan: Plan,
    results: Path,
    start: dict | None = None,
    quiet: bool = False,
    leave: Callable[[], object] = end_process,
) -> RunFolder:
    """Trains a planned experiment to its end, from its newest checkpoint if there is one.

    Returns at once for a finished run. `leave` is called at a second Ctrl-C, which saves nothing.

    Raises: DivergedError, StoppedError, LockedError, CheckpointError and others of ganlab.errors; status.json has the reason.
    """
    folder = plan.folder
    with (
        # Before the lock: a signal in between would leave it behind.
        watched_signals(lambda: leave_unsaved(folder), leave) as asked,
        locked(results, plan.identity) as require_own,
        guarding(folder.path, require_own),
    ):
        if folder.status().get("status") == "finished":
            return folder
        select_backend(plan.config.backend, setting_of(folder, ONEDNN, "1"))
        from ganlab.flows.session import Session  # loads Keras

        stop_if(asked, folder)
        with followed([plan]):
            for stretch in plan.stretches_left():
                with building(folder):
                    session = Session(plan, stretch, None if stretch.start else start)
                stop_if(asked, folder)
                with recording(plan, session):
                    session.train(asked, quiet)
    return folder


@contextlib.contextmanager
def building(folder: RunFolder) -> Iterator[None]:
    """Writes the error of the block, which builds the networks, to the status of a run that is between two stretches."""
    try:
        yield
    except Exception as error:
        with contextlib.suppress(OSError, LockedError):
            if folder.status().get("status") == "running":
                folder.set_status(_state_of(error), reason=str(error))
        raise


@contextlib.contextmanager
def recording(plan: Plan, session: Any, **surroundings: Any) -> Iterator[None]:
    """Writes the outcome of one stretch, trained in the block, to status.json and summary.json.

    The folder is created first, if there is none; `surroundings` are further entries of environment.json.
    """
    folder, began = plan.folder, time.monotonic()
    before = max(0.0, folder.status().get("seconds", 0.0))  # earlier versions could write negative seconds
    _create(plan, session, surroundings)
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        session.close()
        seconds, found = before + time.monotonic() - began, {"reason": str(error)}
        if isinstance(error, DivergedError):
            found["verdict"] = "diverged"
        # Writing may fail again (full disk, lost lock): report the first error.
        with contextlib.suppress(OSError, LockedError):
            folder.set_status(_state_of(error), **found, seconds=seconds)
            if isinstance(error, DivergedError):
                session.summarise("diverged", found, seconds)
        raise
    seconds = before + time.monotonic() - began
    if session.stretch.end < plan.steps:
        folder.set_status("running", seconds=round(seconds, 2))
        return
    session.summarise("finished", session.verdict, seconds)
    folder.set_status("finished", **session.verdict, seconds=round(seconds, 2))


def stop_if(asked: Asked, folder: RunFolder) -> None:
    """Stops before this session has written anything: loading Keras and building networks takes some seconds."""
    if signal := asked():
        message = f"stopped by {signal} before its first step; the same command goes on"
        if folder.status():
            folder.set_status("stopped", reason=message)
        raise StoppedError(message)


def leave_unsaved(folder: RunFolder) -> None:
    """Writes to status.json that a second Ctrl-C ended the run, if it is this process that trains it."""
    status = folder.status()
    if status.get("status") == "running" and is_this_process(status.get("owner", {})):
        folder.set_status("stopped", reason="left by a second Ctrl-C, without saving")


def _create(plan: Plan, session: Any, surroundings: dict) -> None:
    """Creates the folder, or marks an existing one as running. The networks are built before, so the config fits."""
    folder, is_new = plan.folder, not plan.folder.path.exists()
    if not folder.status():
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            write_text(folder.config, dump_config(plan.config))
            session.describe()
            write_json(folder.environment, environment(plan.config.backend, session.device) | surroundings)
            identity = {"identity": plan.identity, "cell": plan.cell, "steps": plan.steps}
            dataset = plan.dataset
            data = {"data_fingerprint": dataset.fingerprint, "classes": dataset.form.classes}
            data["class_names"] = list(dataset.class_names or [])
            if plan.config.reads_labels and (labels := dataset.label_fingerprint()):
                data["label_fingerprint"] = labels
            folder.set_status("created", **identity, **data)
        except BaseException:
            if is_new:  # on a full disk: leave no half folder behind
                remove(folder.path)
            raise
    elif session.stretch.start:  # the networks have grown
        session.describe()
    remove(folder.summary)  # of a diverged run that goes on
    folder.set_status("running", owner=owner_record(), reason=None)


def _state_of(error: BaseException) -> str:
    if isinstance(error, DivergedError):
        return "diverged"
    return "stopped" if isinstance(error, (StoppedError, KeyboardInterrupt)) else "failed"
