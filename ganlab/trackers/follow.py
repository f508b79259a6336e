"""Sends runs to a tracker while they train, from a process beside the training: `python -m ganlab.trackers.follow TRACK FOLDER...`.

The process reads run folders, as `ganlab export` does. The training does not wait for it, so a tracker that is down, hangs or is
slow stops and slows no run.
"""

import contextlib
import os
import select
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganlab.runs.folder import RunFolder
from ganlab.trackers import Tracker, open_tracker
from ganlab.working_folder import SAFE_PATH

if TYPE_CHECKING:
    from ganlab.flows.plan import Plan

_EVERY = 5.0  # seconds between two looks at the folders
_PATIENCE = 60.0  # seconds, after the end of the training, for the last values and files


@contextlib.contextmanager
def followed(plans: "Sequence[Plan]") -> Iterator[None]:
    """Sends the runs that train in the block to their trackers. The run folders need not exist yet.

    At the end of the block it waits, at most a minute, until everything is sent. A failure is one line on standard error.
    """
    with contextlib.ExitStack() as stack:
        for track in dict.fromkeys(plan.config.track for plan in plans if plan.config.track != "none"):
            folders = [plan.folder.path for plan in plans if plan.config.track == track]
            stack.enter_context(_following(track, folders))
        yield


@contextlib.contextmanager
def _following(track: str, folders: Sequence[Path]) -> Iterator[None]:
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "ganlab.trackers.follow", track, *map(str, folders)],
            env={**os.environ, **SAFE_PATH},
            stdin=subprocess.PIPE,  # its end tells that the training is over, also if the training is killed
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C does not reach the process
        )
    except OSError as error:  # too many processes, too little memory
        _warn(track, folders, f"the process that sends the run does not start: {error.strerror}")
        yield
        return
    try:
        yield
    finally:
        process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            _warn(track, folders, f"{track} did not take everything within {_PATIENCE:.0f} seconds after the training")
        finally:
            process.kill()
            process.wait()


def main(track: str, *names: str) -> None:
    """Sends run folders every five seconds until standard input ends, and then once more.

    A tracker that fails gets another try every five seconds, but none after the training: a run must not wait for it.
    """
    os.nice(5)
    folders = [Path(name) for name in names]
    tracker, is_over, fails, is_told = None, False, False, False
    while not is_over:
        is_over = bool(select.select([sys.stdin], [], [], _EVERY)[0])
        if is_over and fails:
            return
        try:
            tracker = tracker or open_tracker(track, RunFolder(folders[0]).results)
            _send(tracker, folders)
            fails = False
        except Exception as error:  # a client raises errors of any kind
            if not is_told:
                _warn(track, folders, str(error))
            fails = is_told = True


def _send(tracker: Tracker, folders: Sequence[Path]) -> None:
    from ganlab.trackers.content import read_content

    for folder in folders:
        if RunFolder(folder).status():
            tracker.send(read_content(folder))


def _warn(track: str, folders: Sequence[Path], reason: str) -> None:
    # Without an address, a tracker keeps its files in the folder of all runs.
    where = [] if ":" in track else ["--results", str(RunFolder(folders[0]).results)]
    command = shlex.join(["ganlab", "export", *map(str, folders), "--to", track, *where])
    line = f"track: {' '.join(reason.split())[:300]}; {command} sends the rest"
    with contextlib.suppress(OSError, ValueError):  # standard error is closed
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
