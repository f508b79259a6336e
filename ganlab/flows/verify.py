"""`ganlab verify`: looks for damage in a run folder. It reads files only and loads no framework.

An unfinished run is sound if the same command can continue it: the half-done work of a killed process is no damage.
"""

import contextlib
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganlab.config.loading import load_resolved
from ganlab.config.schema import Config
from ganlab.data.decoding import refusing_bombs
from ganlab.errors import ConfigError, GanlabError
from ganlab.pictures.images import MOST_FRAMES
from ganlab.runs.containment import require_contained, require_unlinked
from ganlab.runs.folder import RunFolder
from ganlab.runs.locks import holder_of
from ganlab.runs.logs import check_history, check_metrics, metric_table
from ganlab.runs.records import FOLDER_NAME, as_named, folders_in, is_closed, read_run
from ganlab.runs.summary import LATER, hyperparameters
from ganlab.storage.weights import check_weights, hash_of_arrays
from ganlab.storage.writing import read_json
from ganlab.training.checkpoints import read_state


@dataclass(frozen=True)
class Verification:
    """The findings in one run folder, a line each. `notes` are facts that are no damage."""

    folder: Path
    state: str  # in words: finished, or the effect of the next `ganlab run`
    damage: list[str]
    notes: list[str]


def run_folders_at(path: Path) -> list[Path]:
    """The run folder `path`, or the run folders below it, even those without a status.json.

    Raises: ConfigError if there is none.
    """
    # Do not look below a run folder or behind a link: both may lead elsewhere.
    if _has_run_files(path):
        return [as_named(path)]
    path, found = path.resolve() if path.is_symlink() else path, []
    for folder in sorted(folders_in(path, path)):
        is_one = folder.is_symlink() or _has_run_files(folder)
        found += [folder] if is_one else sorted(filter(_has_run_files, folders_in(folder, path)))
    if not found:
        raise ConfigError(f"{path}: neither a run folder nor a folder of runs")
    return found


def _has_run_files(path: Path) -> bool:
    folder = RunFolder(path)
    files = (folder.status_file, folder.config, folder.history, folder.checkpoints)
    return is_closed(path) or any(file.exists() for file in files)


def verify_run(path: Path) -> Verification:
    """Looks at everything in one run folder.

    While a process trains the run, its files change: then a finding counts only if two looks find it.
    """
    folder = RunFolder(path)
    found = _Inspection(folder)
    trained_by = holder_of(folder.results, found.status.get("identity", ""))
    if not trained_by:
        return Verification(path, found.state(), found.damage, found.notes())
    damage = [line for line in _Inspection(folder).damage if line in found.damage] if found.damage else []
    return Verification(path, f"being trained by {trained_by}", damage, [])


class _Inspection:
    """One look at a folder. Each check yields lines; an unreadable file is a line, too."""

    def __init__(self, folder: RunFolder):
        self.folder = folder
        self.status: dict = {}
        self.summary: dict | None = None
        self.config: Config | None = None
        self.states: dict[int, set[str]] = {}  # step -> hashes of the generator's arrays
        self.shapes: dict[int | None, dict[str, tuple]] = {}  # phase -> of its first state's variables
        self.damage: list[str] = []
        self.finished = False
        self._try(self._refuse, folder.path)
        self.refused = bool(self.damage)  # a link or a pipe leads out of the folder: open nothing in it
        if self.refused or not (folder.status_file.exists() or folder.history.exists()):
            return  # or a process was killed while it created the folder; the next one creates it again
        self._try(self._records, folder.status_file)
        self.finished = self.status.get("status") == "finished"
        for step in folder.state_steps():
            self._try(self._state, folder.state(step), step)
        for step in folder.generator_steps():
            self._try(self._weights, folder.generator_weights(step), step)
        self._try(self._logs, folder.history)
        self._try(self._consistency, folder.summary)
        for step in folder.histogram_steps():
            self._try(_check_arrays, folder.histogram(step), folder.histogram(step))
        pictures = {*folder.samples.glob("[!.]*.png"), *filter(Path.exists, folder.pictures().values())}
        for picture in sorted(pictures):
            self._try(_check_picture, picture, picture)

    def _try(self, check: Callable[..., Iterator[str] | None], file: Path, *arguments: Any) -> None:
        try:
            self.damage += check(*arguments) or ()
        except GanlabError as error:
            self.damage.append(str(error).removeprefix(f"{self.folder.path}/"))
        except Exception as error:  # damaged files make readers raise errors of many classes
            reason = str(error).split("\n")[0] or type(error).__name__
            self.damage.append(f"{self._name(file)}: damaged: {reason}")

    def _name(self, file: Path) -> Path:
        return file.relative_to(self.folder.path)

    def _refuse(self) -> None:
        require_unlinked(self.folder.path.parent.parent, self.folder.path)
        require_contained(self.folder.path)

    def _records(self) -> Iterator[str]:
        file = self.folder.status_file.name
        self.status = self.folder.status()  # keep it even if the summary is damaged
        self.summary = read_run(self.folder.path).summary
        yield from (f"{file}: {key} is missing" for key in ("steps", "identity", "cell") if key not in self.status)
        self.config = load_resolved(self.folder.config)
        read_json(self.folder.environment)
        name, identity = FOLDER_NAME.fullmatch(self.folder.path.resolve().name), self.status.get("identity", "")
        if name and not identity.startswith(name["identity"]):
            yield f"{file}: identity {identity[:8]} is not the one in the folder's name"

    def _state(self, step: int) -> Iterator[str]:
        arrays, manifest = read_state(self.folder.state(step))
        name = self._name(self.folder.state(step))
        if manifest.get("step") != step:
            yield f"{name}: its manifest says step {manifest.get('step')}"
        if bad := [key for key, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]:
            yield f"{name}: {bad[0]} is not finite"
        shapes = {key: (array.shape, array.dtype) for key, array in arrays.items()}
        # Networks of a run with phases grow from one phase to the next.
        if self.shapes.setdefault(manifest.get("phase"), shapes) != shapes:
            yield f"{name}: its variables have other names or shapes than in the state before"
        owners = ("averages/generator/", "networks/generator/")
        self.states[step] = {_hash_of(array) for key, array in arrays.items() if key.startswith(owners)}

    def _weights(self, step: int) -> Iterator[str]:
        path = self.folder.generator_weights(step)
        stored, known = check_weights(path), self.states.get(step)
        if known and not known.issuperset(map(_hash_of, stored.values())):
            yield f"{self._name(path)}: other weights than in {self.folder.state(step).name}"

    def _logs(self) -> Iterator[str]:
        history, rows = self.folder.history, self.folder.history_steps()
        diverged = "diverged" in (self.status.get("status"), self.status.get("verdict"))
        optional = [column.name for column in self.config.columns() if column.optional] if self.config else []
        optional += [self.config.saturation_column(*pair) for pair in self.config.watched()] if self.config else []
        yield from check_history(history, rows, not diverged, self.finished, optional)
        if self.finished and rows != self.status.get("steps"):
            yield f"{history.name}: {rows} steps; the run has {self.status.get('steps')}"
        yield from check_metrics(self.folder.metrics, rows, self.finished, self.summary)
        for step in self.states:
            if step > rows:
                yield f"{self.folder.state(step).name}: {history.name} ends at step {rows}, before it"
        if self.status.get("checkpoint") and not self.states:
            yield "checkpoints: no whole training state is left"

    def _consistency(self) -> Iterator[str]:
        """Lines about a finished run that lacks a file, or whose summary, config and status differ."""
        config, folder, steps = self.config, self.folder, self.status.get("steps")
        if not self.finished or config is None or steps is None:
            return
        texts = [folder.summary_of(name) for name in (*config.networks, *(["gan"] if config.IS_CHAIN else []))]
        outputs = [folder.outputs] if any(column.name == "d_real" for column in config.columns()) else []
        outputs += [folder.ridges] if config.watched() else []
        last = [folder.sample(steps), folder.generator_weights(steps), folder.state(steps)]
        for file in [folder.summary, *texts, folder.drawing, folder.losses, *outputs, *last]:
            if not file.exists() and str(self._name(file)) not in self.status.get("not_drawn", []):
                yield f"{self._name(file)}: missing, and the run is finished"
        if self.summary is None:
            return
        expected = {"name": config.name, "family": config.family, "seed": config.seed, "dataset": config.data.name}
        written = self.summary["config"]
        told = hyperparameters(config, written.get("image_size"))
        expected |= {"config": {key: value for key, value in told.items() if key in written or key not in LATER}}
        expected |= {key: self.status.get(key) for key in ("identity", "cell", "steps", "status")}
        expected |= {key: self.status[key] for key in ("verdict", "reason") if key in self.status}
        for key, value in expected.items():
            if self.summary.get(key) != value:
                yield f"{folder.summary.name}: {key} differs from the config or the status"

    def state(self) -> str:
        if self.refused:
            return "not looked at"
        if not self.status:
            return "unknown" if self.folder.status_file.exists() else "not begun"
        if self.finished:
            return "finished"
        step, total = max(self.states, default=0), self.status.get("steps")
        return f"{self.status['status']}; the same command continues from step {step} of {total}"

    def notes(self) -> list[str]:
        if self.refused:
            return []
        lines = [f"{self._name(path)}: was found damaged and set aside" for path in self.folder.aside()]
        if self.finished and self.summary and not self.damage:
            table, written = metric_table(self.folder, self.status["steps"]), self.summary["metrics"]
            old = [name for name in written if name in table and written[name]["last"] != table[name]["last"]]
            mended = f"'ganlab evaluate {shlex.quote(str(self.folder.path))}' mends it"
            lines += [f"{self.folder.summary.name}: last of {name} is not of the last step; {mended}" for name in old]
        if half := len(self.folder.half_written()):
            files = f"{half} half-written file{'s' * (half > 1)}"
            lines.append(f"{files} of a killed process; the next process removes {'them' if half > 1 else 'it'}")
        return lines


def _hash_of(array: np.ndarray) -> str:
    """A hash of an array's numbers, the same for float32 and float64."""
    wide = {"i": np.int64, "u": np.int64, "f": np.float64}.get(array.dtype.kind, array.dtype)
    return hash_of_arrays([array.astype(wide, copy=False)])


def _check_arrays(path: Path) -> None:
    with np.load(path, allow_pickle=False) as file:
        for name in file.files:
            file[name]  # reads the checksum of each array


def _check_picture(path: Path) -> None:
    from PIL import Image, ImageSequence

    opened = partial(Image.open, path, formats=["PNG", "GIF"])
    with refusing_bombs():
        with contextlib.closing(opened()) as picture:
            picture.verify()  # reads the checksums of a PNG; decoding may skip them
        with contextlib.closing(opened()) as picture:
            for number, frame in enumerate(ImageSequence.Iterator(picture), 1):
                if number > MOST_FRAMES:
                    raise ValueError(f"has more than {MOST_FRAMES} frames")
                frame.load()
