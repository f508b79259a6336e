"""Reading run folders: which there are, which one is meant, what one holds.

The other side of `runfolder`, which writes them. Plain json, so that listing a thousand runs is quick.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganlab.config.reader import read_yaml
from ganlab.errors import ConfigError, GanlabError, did_you_mean
from ganlab.runs.containment import require_contained, require_unlinked
from ganlab.runs.folder import RunFolder
from ganlab.storage.writing import read_json

SUMMARY_FORMAT = 1
# What tables read from a summary, and the type each must have. bool is no int here.
SUMMARY_TYPES = {
    "identity": (str,),
    "cell": (str,),
    "name": (str,),
    "family": (str,),
    "dataset": (str,),
    "seed": (int,),
    "config": (dict,),
    "status": (str,),
    "verdict": (str, type(None)),
    "steps": (int,),
    "seconds": (int, float),
    "steps_per_second": (int, float, type(None)),
    "images_per_second": (int, float, type(None)),
    "metrics": (dict,),
}
METRIC_TYPES = {
    "last": (int, float, type(None)),
    "best": (int, float, type(None)),
    "best_step": (int, type(None)),
    "floor": (int, float, type(None)),
    "fingerprint": (str, type(None)),
}
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
# <name>-seed<seed>-<identity>, with a further number where `--fresh` started the same run again.
FOLDER_NAME = re.compile(r"(?P<name>.+)-seed(?P<seed>\d+)-(?P<identity>[0-9a-f]{8})(?:-\d+)?")


@dataclass(frozen=True)
class RunRecord:
    """What a run folder says about its run.

    Attributes:
        folder: the run folder.
        status: status.json; its form is that of `status`.
        summary: summary.json, or None while there is none (the run has not come to its end).
    """

    folder: Path
    status: dict
    summary: dict | None

    @property
    def state(self) -> str:
        return self.status["status"]

    @property
    def finished(self) -> bool:
        """Whether the run came to its end, so that its values may enter a mean."""
        return self.state == "finished" and self.summary is not None

    @property
    def dataset(self) -> str:
        return self.summary["dataset"] if self.summary else self.folder.resolve().parent.name

    @property
    def name(self) -> str:
        return self.summary["name"] if self.summary else self._named("name") or self.folder.name

    @property
    def seed(self) -> int | None:
        if self.summary:
            return self.summary["seed"]
        return int(seed) if (seed := self._named("seed")) else None

    @property
    def identity(self) -> str:
        """The first eight hex digits of the identity; '' for a renamed folder without a summary."""
        return self.summary["identity"][:8] if self.summary else self._named("identity") or ""

    @property
    def cell(self) -> str | None:
        """What groups the seeds of one experiment; None where the run has not said it yet."""
        return self.summary["cell"] if self.summary else self.status.get("cell")

    @property
    def family(self) -> str:
        return self.summary["family"] if self.summary else str(self.config.get("family", ""))

    @property
    def verdict(self) -> str:
        """The verdict of the end or, while there is none, of the last look; '' for neither."""
        last = self.status.get("health", {}).get("verdict")
        return (self.summary or {}).get("verdict") or (last if isinstance(last, str) else "")

    @property
    def updated(self) -> float | None:
        """When the run last changed its status, in seconds since 1970."""
        return self.status.get("times", {}).get("updated")

    @property
    def metrics(self) -> dict[str, dict]:
        return self.summary["metrics"] if self.summary else {}

    @cached_property
    def config(self) -> dict:
        """The resolved config; {} where the run has not written one yet."""
        path = RunFolder(self.folder).config
        return read_yaml(path).data if path.exists() else {}

    @cached_property
    def environment(self) -> dict:
        """Versions, commit, device and host; {} where the run has not written them yet."""
        path = RunFolder(self.folder).environment
        return _read_json(path) if path.exists() else {}

    def pictures(self) -> dict[str, Path]:
        """The pictures that exist: losses, outputs, the newest sample grid, the film, the networks."""
        files = RunFolder(self.folder)
        paths = {
            "samples": files.sample(max(files.sample_steps(), default=0)),
            "film": files.film,
            "losses": files.losses,
            "outputs": files.outputs,
            "networks": files.drawing,
        }
        return {name: path for name, path in paths.items() if path.is_file()}

    def _named(self, part: str) -> str | None:
        match = FOLDER_NAME.fullmatch(self.folder.resolve().name)
        return match and match[part]


def is_run(folder: Path) -> bool:
    """Whether a folder is a run folder: it says its status."""
    return RunFolder(folder).status_file.is_file()


def find_runs(results: Path) -> list[Path]:
    """The run folders `results/<dataset>/<run>/`, exp2 before exp10; [] where there are none.

    A link to elsewhere stands among them, and nothing behind it was looked at: `read_run` refuses it by name.
    """
    results, found = Path(results), []
    for dataset in folders_in(results, results):
        if dataset.is_symlink():
            found.append(dataset)
        elif not is_run(dataset):  # what lies in a run folder is none
            found += filter(is_run, folders_in(dataset, results))
    return sorted(found, key=_natural)


def folders_in(path: Path, results: Path) -> list[Path]:
    """The folders in a folder, but for hidden ones, and for links to what lies in the results anyway."""
    entries = [entry for entry in path.glob("[!.]*") if entry.is_dir()]
    return [
        entry for entry in entries if not (entry.is_symlink() and entry.resolve().is_relative_to(results.resolve()))
    ]


def _natural(path: Path) -> list[tuple]:
    parts = re.split(r"([0-9]+)", f"{path.parent.name}/{path.name}")
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def find_run(results: Path, selector: str) -> Path:
    """The one run folder a user means.

    Args:
        results: the folder of all runs.
        selector: a path to a run folder, its name, a config's name (`exp18`, `exp18-seed0`) where only one
            run has it, or the first four or more hex digits of an identity.

    Raises:
        ConfigError: no run, or more than one, answers to the selector.
        GanlabError: a link stands in its place.
    """
    if is_run(Path(selector)):
        return as_named(Path(selector))
    runs = find_runs(results)
    for answers in (_has_path, _has_name, _has_identity):
        found = [run for run in runs if answers(run, selector)]
        if len(found) == 1:
            require_unlinked(Path(results), found[0])
            return found[0]
        if found:
            shown = ", ".join(run.name for run in found[:5]) + (", ..." if len(found) > 5 else "")
            raise ConfigError(f"{selector}: {len(found)} runs in {results} answer to this: {shown}")
    names = {name for run in runs for name in _names(run)}
    hint = did_you_mean(selector, names) if names else " There are none; 'ganlab run CONFIG' makes one."
    raise ConfigError(f"{selector}: no such run in {results}.{hint}")


def read_run(folder: Path) -> RunRecord:
    """Reads a run folder's status.json and, where there is one, summary.json.

    Raises:
        GanlabError: one of the two is damaged, or the folder holds a link; the line names the file.
    """
    folder = Path(folder)
    require_unlinked(folder.parent.parent, folder)
    require_contained(folder)
    files = RunFolder(folder)
    status, summary_path = files.status(), files.summary
    if not status:
        raise GanlabError(f"{files.status_file}: damaged: missing")
    summary = _read_json(summary_path) if summary_path.exists() else None
    if summary is not None:
        for problem in _summary_problems(summary):
            raise GanlabError(f"{summary_path}: {problem}")
    return RunRecord(folder, status, summary)


def read_runs(folders: list[Path]) -> tuple[list[RunRecord], list[str]]:
    """Reads many run folders; a damaged one does not hide the others.

    Returns:
        The records, and a line for each folder that could not be read.
    """
    records, problems = [], []
    for folder in folders:
        try:
            records.append(read_run(folder))
        except GanlabError as error:
            problems.append(str(error))
        except OSError as error:  # a folder where a file should be
            problems.append(f"{error.filename or folder}: {error.strerror}")
    return records, problems


def as_named(folder: Path) -> Path:
    """The run folder that a user's path means: links, `.` and `..` on the way to it are followed here, once for all commands."""
    # Two folders must stand before it: its data set, and the results with their locks.
    return folder if len(folder.parts) > 2 and folder.absolute() == folder.resolve() else folder.resolve()


def _has_path(run: Path, selector: str) -> bool:
    return selector in (run.name, f"{run.parent.name}/{run.name}")


def _names(run: Path) -> set[str]:
    match = FOLDER_NAME.fullmatch(run.name)
    return {match["name"], f"{match['name']}-seed{match['seed']}"} if match else {run.name}


def _has_name(run: Path, selector: str) -> bool:
    return selector in _names(run)


def _has_identity(run: Path, selector: str) -> bool:
    match = FOLDER_NAME.fullmatch(run.name)
    # The folder's name holds eight digits; a whole identity from a table must still find its run.
    return bool(match and re.fullmatch("[0-9a-f]{4,64}", selector) and match["identity"].startswith(selector[:8]))


def _read_json(path: Path) -> dict:
    value = read_json(path)
    if not isinstance(value, dict):
        raise GanlabError(f"{path}: damaged: expected a mapping, received {type(value).__name__}")
    return value


def _summary_problems(summary: dict) -> Iterator[str]:
    if summary.get("format") != SUMMARY_FORMAT:
        yield f"format {summary.get('format')!r} is not one this ganlab reads; expected {SUMMARY_FORMAT}"
    yield from _type_problems(summary, SUMMARY_TYPES, "")
    if not _DATASET.fullmatch(summary["dataset"]):  # pictures of a report are named after it
        yield f"damaged: dataset: expected the name of a data set, received {summary['dataset']!r}"
    for name, metric in summary["metrics"].items():
        if not isinstance(metric, dict):
            yield f"damaged: metrics.{name}: expected a mapping, received {type(metric).__name__}"
        yield from _type_problems(metric, METRIC_TYPES, f"metrics.{name}.")


def _type_problems(values: dict, types: dict[str, tuple], where: str) -> Iterator[str]:
    for key, expected in types.items():
        if key not in values:
            yield f"damaged: {where}{key} is missing"
        elif type(values[key]) not in expected:
            yield f"damaged: {where}{key}: received {type(values[key]).__name__}"
