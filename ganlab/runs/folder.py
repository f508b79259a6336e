"""Every file name inside a run folder."""

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganlab.errors import CheckpointError
from ganlab.runs.forms import read_status
from ganlab.storage.writing import permit, write_json, write_text

_TEMPORARY = ".[0-9a-f]*-*"  # temporary names of `storage.writing` and `training.checkpoints`
_ASIDE = "damaged-"
_RECONSTRUCTIONS = "reconstructions-"
_NUMBER = r"(?:-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?|-?inf|nan|)"  # the format :g, or nothing
_ROW = re.compile(f"{_NUMBER}(?:,{_NUMBER})*\n")


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path):
        self.path = path
        self.config = path / "config.yaml"
        self.environment = path / "environment.json"
        self.status_file = path / "status.json"
        self.models = path / "models"
        self.drawing = path / "models" / "gan.png"
        self.history = path / "history.csv"
        self.losses = path / "losses.png"
        self.outputs = path / "outputs.png"
        self.samples = path / "samples"
        self.histograms = path / "histograms"
        self.ridges = path / "histograms.png"
        self.beside = path / "real_and_generated.png"
        self.film = path / "samples.gif"
        self.video = path / "samples.mp4"
        self.estimates = path / "estimates.png"
        self.checkpoints = path / "checkpoints"
        self.metrics = path / "metrics.jsonl"
        self.summary = path / "summary.json"
        self._status_lock = threading.RLock()  # reentrant: a second Ctrl-C may interrupt a write

    @property
    def results(self) -> Path:
        """The folder of all runs. It holds the lock of this run."""
        return self.path.resolve().parent.parent

    def summary_of(self, network: str) -> Path:
        return self.models / f"{network}.txt"

    def pictures(self) -> dict[str, Path]:
        """Every picture that a run may have, under a name for people; of grids and reconstructions the newest."""
        return {
            "samples": self.sample(max(self.sample_steps(), default=0)),
            "real and generated": self.beside,
            "reconstructions": self.reconstructions(max(self.reconstruction_steps(), default=0)),
            "film": self.film,
            "losses": self.losses,
            "outputs": self.outputs,
            "histograms": self.ridges,
            "estimates": self.estimates,
            "networks": self.drawing,
        }

    def sample(self, step: int) -> Path:
        return self.samples / f"{step:06d}.png"

    def reconstructions(self, step: int) -> Path:
        return self.samples / f"{_RECONSTRUCTIONS}{step:06d}.png"

    def histogram(self, step: int) -> Path:
        return self.histograms / f"{step:06d}.npz"

    def generator_weights(self, step: int) -> Path:
        return self.checkpoints / f"generator-{step:06d}.weights.h5"

    def state(self, step: int) -> Path:
        return self.checkpoints / f"state-{step:06d}"

    def extra_sample(self, kind: str, step: int, seed: int) -> Path:
        return self.samples / f"{kind}-{step:06d}-seed{seed}.png"

    def neighbours(self, step: int, by: str) -> Path:
        return self.samples / f"neighbours-{step:06d}-{by}.png"

    def sample_steps(self) -> list[int]:
        return _steps(self.samples, "", ".png")

    def reconstruction_steps(self) -> list[int]:
        return _steps(self.samples, _RECONSTRUCTIONS, ".png")

    def histogram_steps(self) -> list[int]:
        return _steps(self.histograms, "", ".npz")

    def generator_steps(self) -> list[int]:
        return _steps(self.checkpoints, "generator-", ".weights.h5")

    def state_steps(self) -> list[int]:
        return _steps(self.checkpoints, "state-", "")

    def status(self) -> dict:
        """The content of status.json; {} if there is none. Raises: GanlabError for a damaged one."""
        return read_status(self.status_file) if self.status_file.exists() else {}

    def set_status(self, state: str, **more: Any) -> None:
        """Updates status.json. It keeps the last time of each state."""
        with self._status_lock:
            status = self.status() | more | {"status": state}
            now = round(time.time(), 3)
            status["times"] = status.get("times", {}) | {state: now, "updated": now}
            write_json(self.status_file, status)

    def set_aside(self, path: Path) -> Path:
        """Renames a damaged checkpoint to `damaged-...`, so that nobody takes it for a checkpoint."""
        aside = path.with_name(f"{_ASIDE}{path.name}")
        remove(aside)
        os.replace(path, aside)
        return aside

    def aside(self) -> list[Path]:
        """The damaged checkpoints that were set aside."""
        return sorted(self.checkpoints.glob(f"{_ASIDE}*"))

    def half_written(self) -> list[Path]:
        """Temporary files of killed processes, or of a process that writes now."""
        return sorted(path for pattern in (_TEMPORARY, f"*/{_TEMPORARY}") for path in self.path.glob(pattern))

    def history_steps(self) -> int:
        """The number of whole rows in history.csv: steps 1, 2, ... without a gap."""
        if not self.history.exists():
            return 0
        header, *rows = _lines(self.history) or [""]
        count = header.count(",")
        for number, row in enumerate(rows, 1):
            if not (row.startswith(f"{number},") and _ROW.fullmatch(row) and row.count(",") == count):
                return number - 1
        return len(rows)

    def generator_step(self, step: int | None) -> int:
        """The step, if it has a generator checkpoint; for None the newest step that has one.

        Raises: CheckpointError, with a list of the steps.
        """
        steps = self.generator_steps()
        if not steps:
            raise CheckpointError(f"{self.path}: has no generator checkpoint yet; let the run reach one")
        if step is None:
            step = steps[-1]
        if step not in steps:
            there = ", ".join(map(str, steps))
            raise CheckpointError(f"{self.path}: no generator checkpoint of step {step}; there are {there}")
        return step

    def cut_back(self, step: int) -> None:
        """Removes rows, metrics, samples, histograms and checkpoints after `step`, torn lines and temporary files.

        A resumed run writes them again.
        """
        for path in self.half_written():
            remove(path)
        _cut_lines(self.history, lambda line: int(line.split(",", 1)[0]), step, header=True)
        _cut_lines(self.metrics, lambda line: json.loads(line)["step"], step, header=False)
        for path, steps in (
            (self.sample, self.sample_steps()),
            (self.reconstructions, self.reconstruction_steps()),
            (self.histogram, self.histogram_steps()),
            (self.generator_weights, self.generator_steps()),
            (self.state, self.state_steps()),
        ):
            for later in (s for s in steps if s > step):
                remove_at_once(path(later))


def remove(path: Path) -> None:
    """Removes a file or a folder that may be gone already."""
    permit(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_at_once(path: Path) -> None:
    """Renames first, then removes, so that a kill never leaves half a folder under its real name."""
    permit(path)
    if path.exists():
        going = path.with_name(f".{os.getpid()}-{path.name}")
        os.replace(path, going)
        remove(going)


def _steps(folder: Path, prefix: str, suffix: str) -> list[int]:
    names = [p.name for p in folder.glob(f"{prefix}*{suffix}")] if folder.is_dir() else []
    numbers = [name.removeprefix(prefix).removesuffix(suffix) for name in names]
    # Other digits, or too few of them, would give the name of another file.
    return sorted(int(n) for n in numbers if n.isascii() and n.isdigit() and n == f"{int(n):06d}")


def _lines(path: Path) -> list[str]:
    """The lines of a file with their ends. Bytes that are no text become characters that fit no pattern."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)


def _cut_lines(path: Path, step_of: Callable[[str], int], last: int, header: bool) -> None:
    """Keeps the lines up to step `last` that stand before a torn one.

    They go into a new file: a process that lost this run may still append to the old one.
    """
    if not path.exists():
        return
    kept = []
    for number, line in enumerate(_lines(path)):
        if not line.endswith("\n"):
            break
        try:
            # Not the end of what is kept: `ganlab evaluate` adds earlier steps after later ones.
            if (header and number == 0) or step_of(line) <= last:
                kept.append(line)
        except (ValueError, KeyError, TypeError, RecursionError):
            break
    if kept:
        write_text(path, "".join(kept))
    else:
        remove(path)
