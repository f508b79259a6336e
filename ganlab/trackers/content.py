"""The content of a run folder in the form that trackers take: parameters, values over steps, pictures, files."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlab.config.loading import load_resolved
from ganlab.errors import GanlabError
from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import read_history, read_metrics
from ganlab.runs.records import FOLDER_NAME, RunRecord, read_run
from ganlab.runs.summary import hyperparameters

if TYPE_CHECKING:
    import numpy as np

MOST_POINTS = 1000  # of a column of the history; charts of both trackers show fewer
_GOES_ON = ("created", "running")


@dataclass(frozen=True)
class Point:
    """A value at a step.

    Attributes:
        step: counted from 1.
        value: a finite number.
        time: seconds since 1970, the same each time that the run is read.
    """

    step: int
    value: float
    time: float


@dataclass(frozen=True)
class Content:
    """A run as a tracker sees it.

    Attributes:
        key: the same for all copies of a run folder, and another for each `--fresh` run.
        name: of the folder.
        dataset, state: of the run.
        began, ended: seconds since 1970; `ended` is None for a run that goes on.
        params: hyperparameters, the same from the first step to the last.
        tags: facts that may change, such as the verdict.
        history: column of history.csv -> means over equal numbers of steps.
        metrics: name -> values.
        grids: step -> a picture of samples.
        files: (path, folder of the tracker) of everything worth keeping; none while the run goes on.
    """

    key: str
    name: str
    dataset: str
    state: str
    began: float
    ended: float | None
    params: dict[str, Any]
    tags: dict[str, str]
    history: dict[str, list[Point]]
    metrics: dict[str, list[Point]]
    grids: dict[int, Path]
    files: list[tuple[Path, str]]


def read_content(folder: Path) -> Content:
    """Reads a run folder, also while the run trains.

    Raises: GanlabError, one line that names the damaged or missing file.
    """
    record, files = read_run(folder), RunFolder(folder)
    identity = record.status.get("identity")
    if not identity:
        raise GanlabError(f"{files.status_file}: damaged: identity: missing")
    match = FOLDER_NAME.fullmatch(folder.resolve().name)
    again = folder.resolve().name[match.end("identity") :] if match else ""
    times = record.status.get("times", {})
    began, steps = times.get("created", 0.0), files.history_steps()
    history = read_history(files.history, steps) if steps else {}
    clock = _clock(began, history)
    columns = {name: values for name, values in history.items() if name not in ("step", "seconds")}
    goes_on, total = record.state in _GOES_ON, record.status.get("steps", steps)
    return Content(
        key=f"{identity}{again}",
        name=folder.resolve().name,
        dataset=record.dataset,
        state=record.state,
        began=began,
        ended=None if goes_on else times.get("updated", began),
        params=_params(record, files),
        tags=_tags(record),
        history={name: list(_means(values, total, clock)) for name, values in columns.items()},
        metrics=_metrics(files, clock),
        grids={step: files.sample(step) for step in files.sample_steps()},
        files=[] if goes_on else list(_files(files)),
    )


def _clock(began: float, history: "Mapping[str, np.ndarray]") -> "np.ndarray":
    """Seconds since 1970 after 0, 1, 2, ... steps. Pauses between sessions are left out."""
    import numpy as np

    return began + np.concatenate([[0.0], np.cumsum(history.get("seconds", []))])


def _means(values: "np.ndarray", total: int, clock: "np.ndarray") -> Iterator[Point]:
    """The mean over every N steps, at the last of them, for the smallest N that gives at most 1,000 points in `total` steps.

    Steps without a value are left out of the means. The last mean may have fewer steps, in a run that has all its steps.
    """
    import numpy as np

    every = math.ceil(total / MOST_POINTS)
    ends = [*range(every, len(values) + 1, every)]
    if len(values) == total and total % every:
        ends.append(total)
    for end in ends:
        part = values[(end - 1) // every * every : end]
        if len(part := part[np.isfinite(part)]):
            yield Point(end, float(part.mean()), float(clock[end]))


def _metrics(files: RunFolder, clock: "np.ndarray") -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for line in sorted(read_metrics(files.metrics), key=lambda line: line["step"]):
        if math.isfinite(line["value"]):
            at = clock[min(line["step"], len(clock) - 1)]
            found.setdefault(line["name"], []).append(Point(line["step"], float(line["value"]), float(at)))
    return found


def _params(record: RunRecord, files: RunFolder) -> dict[str, Any]:
    """Hyperparameters as tables show them. Null ones are left out."""
    config = load_resolved(files.config)
    facts = {
        "family": config.family,
        "seed": config.seed,
        "steps": record.status.get("steps"),
        "backend": config.backend,
        **hyperparameters(config, config.data.image_size),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _tags(record: RunRecord) -> dict[str, str]:
    facts = {
        "name": record.name,
        "cell": record.cell,
        "identity": record.status["identity"],
        "state": record.state,
        "verdict": record.verdict,
        "reason": record.status.get("reason"),
        "folder": str(record.folder.resolve()),
    }
    return {name: value for name, value in facts.items() if value}


def _files(files: RunFolder) -> Iterator[tuple[Path, str]]:
    """Records, pictures and summaries of a run, and the newest weights of its generator."""
    records = (files.config, files.environment, files.summary, files.history, files.metrics)
    pictures = (files.losses, files.outputs, files.film, files.video, files.ridges, files.estimates, files.beside)
    models = sorted(files.models.iterdir()) if files.models.is_dir() else []
    weights = [files.generator_weights(step) for step in files.generator_steps()[-1:]]
    made = [files.reconstructions(step) for step in files.reconstruction_steps()[-1:]]
    groups = (((*records, *pictures), ""), (made, "samples"), (models, "models"), (weights, "checkpoints"))
    for paths, folder in groups:
        yield from ((path, folder) for path in paths if path.is_file())
