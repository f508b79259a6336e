"""`ganlab verify`: looks for damage in a run folder. It reads files only and loads no framework.

An unfinished run is sound if the same command can go on with it: half-done work of a killed process is no damage.
"""

import contextlib
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
from ganlab.runs.logs import check_history, check_metrics
from ganlab.runs.records import FOLDER_NAME, as_named, folders_in, read_run
from ganlab.runs.summary import hyperparameters
from ganlab.storage.weights import check_weights, hash_of_arrays
from ganlab.storage.writing import read_json
from ganlab.training.checkpoints import read_state


@dataclass(frozen=True)
class Verification:
    """The findings in one run folder, a line each."""

    folder: Path
    state: str  # in words: finished, or what the next `ganlab run` does
    damage: list[str]
    notes: list[str]  # facts worth knowing that are no damage


def run_folders_at(path: Path) -> list[Path]:
    """The run folder `path`, or those below it, one without its status.json included.

    Raises: ConfigError if there is none.
    """
    # What lies below a run folder, or behind a link, is not looked for: it may lead elsewhere.
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
    return any(file.exists() for file in (folder.status_file, folder.config, folder.history, folder.checkpoints))


def verify_run(path: Path) -> Verification:
    """Looks at everything in one run folder. While a process trains it, a finding counts only if two looks find it."""
    folder = RunFolder(path)
    found = _Inspection(folder)
    trained_by = holder_of(folder.results, found.status.get("identity", ""))
    if trained_by and found.damage:
        again = _Inspection(folder)
        found.damage = [line for line in again.damage if line in found.damage]
    state = f"being trained by {trained_by}" if trained_by else found.outlook()
    return Verification(path, state, found.damage, [] if trained_by else found.notes())


class _Inspection:
    """One look at a folder. Each check gives lines; an unreadable file is a line, too."""

    def __init__(self, folder: RunFolder):
        self.folder = folder
        self.status: dict = {}
        self.summary: dict | None = None
        self.config: Config | None = None
        self.states: dict[int, set[str]] = {}  # step -> sums of the generator's arrays
        self.shapes: dict[int | None, dict[str, tuple]] = {}  # phase -> of its first state's variables
        self.damage: list[str] = []
        self.finished = False
        self._try(self._refuse, folder.path)
        self.refused = bool(self.damage)  # a link or a pipe leads out of the folder: nothing in it is opened
        if self.refused:
            return
        if not folder.status_file.exists() and not folder.history.exists():
            return  # a process was killed while it created the folder; the next one creates it again
        self._try(self._records, folder.status_file)
        self.finished = self.status.get("status") == "finished"
        for step in folder.state_steps():
            self._try(self._state, folder.state(step), step)
        for step in folder.generator_steps():
            self._try(self._weights, folder.generator_weights(step), step)
        self._try(self._logs, folder.history)
        self._try(self._consistency, folder.summary)
        for picture in self._pictures():
            self._try(_check_picture, picture, picture)

    def _try(self, check: Callable[..., Iterator[str] | None], file: Path, *arguments: Any) -> None:
        try:
            self.damage += check(*arguments) or ()
        except GanlabError as error:
            self.damage.append(str(error).removeprefix(f"{self.folder.path}/"))
        except Exception as error:  # damaged files make readers raise errors of many classes
            reason = str(error).split("\n")[0] or type(error).__name__
            self.damage.append(f"{file.relative_to(self.folder.path)}: damaged: {reason}")

    def _refuse(self) -> None:
        require_unlinked(self.folder.path.parent.parent, self.folder.path)
        require_contained(self.folder.path)

    def _records(self) -> Iterator[str]:
        self.status = self.folder.status()  # known even if the next line finds the summary damaged
        self.summary = read_run(self.folder.path).summary
        for key in ("steps", "identity", "cell"):
            if key not in self.status:
                yield f"{self.folder.status_file.name}: {key} is missing"
        self.config = load_resolved(self.folder.config)
        read_json(self.folder.environment)
        name, identity = FOLDER_NAME.fullmatch(self.folder.path.resolve().name), self.status.get("identity", "")
        if name and not identity.startswith(name["identity"]):
            yield f"{self.folder.status_file.name}: identity {identity[:8]} is not that of the folder's name"

    def _state(self, step: int) -> Iterator[str]:
        arrays, manifest = read_state(self.folder.state(step))
        name = self.folder.state(step).relative_to(self.folder.path)
        if manifest.get("step") != step:
            yield f"{name}: its manifest says step {manifest.get('step')}"
        if bad := [key for key, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]:
            yield f"{name}: {bad[0]} is not finite"
        shapes = {key: (array.shape, array.dtype) for key, array in arrays.items()}
        # The networks of a run with phases grow from one to the next.
        if self.shapes.setdefault(manifest.get("phase"), shapes) != shapes:
            yield f"{name}: its variables have other names or shapes than those of the state before"
        owners = ("averages/generator/", "networks/generator/")
        self.states[step] = {_sum_of(array) for key, array in arrays.items() if key.startswith(owners)}

    def _weights(self, step: int) -> Iterator[str]:
        path = self.folder.generator_weights(step)
        stored, known = check_weights(path), self.states.get(step)
        if known and not known.issuperset(map(_sum_of, stored.values())):
            yield f"{path.relative_to(self.folder.path)}: other weights than those of {self.folder.state(step).name}"

    def _logs(self) -> Iterator[str]:
        rows = self.folder.history_steps()
        diverged = "diverged" in (self.status.get("status"), self.status.get("verdict"))
        optional = [column.name for column in self.config.columns() if column.optional] if self.config else []
        yield from check_history(self.folder.history, not diverged, self.finished, optional)
        if self.finished and rows != self.status.get("steps"):
            yield f"{self.folder.history.name}: {rows} steps; the run has {self.status.get('steps')}"
        yield from check_metrics(self.folder.metrics, rows, self.finished, self.summary)
        for step in self.states:
            if step > rows:
                yield f"{self.folder.state(step).name}: {self.folder.history.name} ends at step {rows}, before it"
        if self.status.get("checkpoint") and not self.states:
            yield "checkpoints: no whole training state is left"

    def _consistency(self) -> Iterator[str]:
        steps = self.status.get("steps")
        if not self.finished or type(steps) is not int:
            return
        last = [self.folder.sample(steps), self.folder.generator_weights(steps), self.folder.state(steps)]
        networks = [*self.config.networks, *(["gan"] if self.config.IS_CHAIN else [])] if self.config else []
        texts = [self.folder.summary_of(network) for network in networks]
        pictures = [self.folder.drawing, self.folder.losses]
        if self.config and any(column.name == "d_real" for column in self.config.columns()):
            pictures.append(self.folder.outputs)
        for file in [self.folder.summary, *texts, *pictures, *last]:
            if not file.exists() and str(file.relative_to(self.folder.path)) not in self.status.get("not_drawn", []):
                yield f"{file.relative_to(self.folder.path)}: missing, and the run is finished"
        if self.summary is None or self.config is None:
            return
        config = self.config
        said = {"name": config.name, "family": config.family, "seed": config.seed, "dataset": config.data.name}
        said |= {"config": hyperparameters(config, self.summary["config"].get("image_size"))}
        said |= {"steps": steps, "status": "finished"} | {key: self.status.get(key) for key in ("identity", "cell")}
        for key, value in said.items():
            if self.summary[key] != value:
                yield f"{self.folder.summary.name}: {key} is not that of the config and the status"

    def _pictures(self) -> list[Path]:
        files = [self.folder.drawing, self.folder.losses, self.folder.outputs, self.folder.film]
        return [*self.folder.samples.glob("[!.]*.png"), *filter(Path.exists, files)]

    def outlook(self) -> str:
        if self.refused:
            return "not looked at"
        if not self.status:
            return "unknown" if self.folder.status_file.exists() else "not begun"
        if (state := self.status["status"]) == "finished":
            return state
        total = self.status.get("steps")
        return f"{state}; the same command goes on from step {max(self.states, default=0)} of {total}"

    def notes(self) -> list[str]:
        if self.refused:
            return []
        aside = [path.relative_to(self.folder.path) for path in self.folder.aside()]
        lines = [f"{path}: was found damaged and set aside" for path in aside]
        if half := len(self.folder.half_written()):
            files = f"{half} half-written file{'s' * (half > 1)}"
            lines.append(f"{files} of a killed process; the next one removes what is left")
        return lines


def _sum_of(array: np.ndarray) -> str:
    """A hash of an array's numbers that does not depend on their size in bytes."""
    wide = {"i": np.int64, "u": np.int64, "f": np.float64}.get(array.dtype.kind, array.dtype)
    return hash_of_arrays([array.astype(wide, copy=False)])


def _check_picture(path: Path) -> None:
    from PIL import Image, ImageSequence

    opened = partial(Image.open, path, formats=["PNG", "GIF"])
    with refusing_bombs():
        with contextlib.closing(opened()) as picture:
            picture.verify()  # a PNG's checksums: decoding ends with the last pixel and may read none of them
        with contextlib.closing(opened()) as picture:
            for number, frame in enumerate(ImageSequence.Iterator(picture), 1):
                if number > MOST_FRAMES:
                    raise ValueError(f"has more than {MOST_FRAMES} frames")
                frame.load()
