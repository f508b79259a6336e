"""Reads run folders: lists them, finds the one that a user means, and gives the content of one."""

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from ganlab.config.document import shown
from ganlab.config.reader import read_yaml
from ganlab.errors import ConfigError, GanlabError, did_you_mean
from ganlab.paths import user_path
from ganlab.runs.containment import require_contained, require_unlinked
from ganlab.runs.folder import RunFolder
from ganlab.runs.forms import read_summary
from ganlab.storage.writing import read_json

# <name>-seed<seed>-<identity>; `--fresh` appends a further number.
FOLDER_NAME = re.compile(r"(?P<name>.+)-seed(?P<seed>\d+)-(?P<identity>[0-9a-f]{8})(?:-\d+)?")


@dataclass(frozen=True)
class RunRecord:
    """The content of a run folder. `summary` is None until the run has ended."""

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
    def judged(self) -> bool:
        """Whether the run ended with a verdict: it finished or diverged, or a verdict of `train.stop_on` ended it."""
        if self.state != "failed":
            return self.state in ("finished", "diverged") and bool(self.verdict)
        train = self.config.get("train")
        stop_on = train.get("stop_on") if isinstance(train, dict) else None
        return isinstance(stop_on, list) and self.verdict in stop_on

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
        """The same for all seeds of one experiment; None until the run has written it."""
        return self.summary["cell"] if self.summary else self.status.get("cell")

    @property
    def family(self) -> str:
        return self.summary["family"] if self.summary else str(self.config.get("family", ""))

    @property
    def verdict(self) -> str:
        """The verdict at the end, before that the one of the last health check; '' if there is neither."""
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
        """The resolved config; {} until the run has written it."""
        path = RunFolder(self.folder).config
        return _mapping(path, read_yaml(path).data) if path.exists() else {}

    @cached_property
    def environment(self) -> dict:
        """Versions, commit, device and host; {} until the run has written them."""
        path = RunFolder(self.folder).environment
        return _mapping(path, read_json(path)) if path.exists() else {}

    def pictures(self) -> dict[str, Path]:
        """The pictures of the run that exist."""
        return {name: path for name, path in RunFolder(self.folder).pictures().items() if path.is_file()}

    def _named(self, part: str) -> str | None:
        match = FOLDER_NAME.fullmatch(self.folder.resolve().name)
        return match and match[part]


def _mapping(path: Path, content: Any) -> dict:
    if not isinstance(content, dict):
        raise GanlabError(f"{path}: damaged: expected a mapping, received {shown(content)}")
    return content


def is_run(folder: Path) -> bool:
    """Whether a folder is a run folder: it holds a status.json, or is closed, so that `read_run` gives a line about it."""
    # os.path: a user's word may be no possible path.
    return os.path.isdir(folder) and (is_closed(folder) or os.path.isfile(RunFolder(folder).status_file))


def is_closed(folder: Path) -> bool:
    """Whether this user may not look into a folder. The folder is not opened: it may be a link."""
    return folder.is_dir() and not os.access(
        folder, os.R_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids
    )


def find_runs(results: Path) -> list[Path]:
    """The run folders `results/<dataset>/<run>/`, exp2 before exp10; [] if there are none.

    The list has links to other places and closed folders, too: `read_run` refuses them by name.
    """
    found = []
    for dataset in folders_in(results, results):
        if dataset.is_symlink() or is_closed(dataset):
            found.append(dataset)
        elif not is_run(dataset):  # folders inside a run folder are no runs
            found += filter(is_run, folders_in(dataset, results))
    return sorted(found, key=by_name)


def folders_in(path: Path, results: Path) -> list[Path]:
    """The folders in a folder, except names that begin with a dot, and links to a place inside the results."""
    try:
        entries = [path / name for name in os.listdir(path) if not name.startswith(".") and (path / name).is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [
        entry for entry in entries if not (entry.is_symlink() and entry.resolve().is_relative_to(results.resolve()))
    ]


def by_name(path: Path) -> list[tuple]:
    """The key that sorts run folders: exp2 before exp10, and a repetition after the runs before it."""
    parts = re.split(r"([0-9]+)", f"{path.parent.name}/{path.name}")
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def find_run(results: Path, selector: str) -> Path:
    """The one run folder that a user means.

    Args:
        results: the folder of all runs.
        selector: a path to a run folder, its name, a config's name (`exp18`, `exp18-seed0`) if only one run has it, or
            at least four hex digits of an identity.

    Raises:
        ConfigError: no run, or more than one, fits the selector.
        GanlabError: the run folder is a link.
    """
    found = runs_of(results, selector)
    if len(found) > 1:
        shown = ", ".join(run.name for run in found[:5]) + (", ..." if len(found) > 5 else "")
        raise ConfigError(f"{selector}: {len(found)} runs in {results} fit: {shown}")
    return found[0]


def runs_of(results: Path, selector: str) -> list[Path]:
    """All run folders that fit a selector of `find_run`, or a pattern: of a config's name, the runs of all seeds.

    A pattern such as `short-*` stands for a folder's name, or for a config's name as a whole.

    Raises:
        ConfigError: no run fits the selector.
        GanlabError: a run folder is a link.
    """
    path = user_path(selector)
    if is_run(path):
        return [as_named(path)]
    runs = find_runs(results)
    ranked = [(rank, run) for run in runs if (rank := _rank(run, selector)) is not None]
    found = [run for rank, run in ranked if rank == min(ranked)[0]]
    for run in found:
        require_unlinked(results, run)
    if found:
        return found
    names = {name for run in runs for name in _names(run)}
    hint = did_you_mean(selector, names) if names else " There are none; 'ganlab run CONFIG' makes one."
    raise ConfigError(f"{selector}: no such run in {results}.{hint}")


def named_runs(results: Path, words: Iterable[str]) -> list[Path]:
    """The one run that each word means (see `find_run`); a pattern stands for all runs that fit. Each run once."""
    found = [runs_of(results, word) if glob.has_magic(word) else [find_run(results, word)] for word in words]
    return list(dict.fromkeys(run for runs in found for run in runs))


def paths_of(results: Path, words: Iterable[str]) -> list[Path]:
    """For each word the path if there is one, else the run folders that it selects."""
    found = []
    for word in words:
        found += [user_path(word)] if os.path.exists(user_path(word)) else runs_of(results, word)
    return found


def _rank(run: Path, selector: str) -> int | None:
    """0 if the selector is the folder's name, 1 for the config's name, 2 for the identity, 3 for a pattern; else None."""
    match = FOLDER_NAME.fullmatch(run.name)
    if selector in (run.name, f"{run.parent.name}/{run.name}"):
        return 0
    if selector in _names(run):
        return 1
    if glob.has_magic(selector):
        names = {run.name, f"{run.parent.name}/{run.name}", *_names(run)}
        return 3 if any(fnmatchcase(name, selector) for name in names) else None
    # The folder's name holds eight digits; users also copy a whole identity from a table.
    is_identity = match and re.fullmatch("[0-9a-f]{4,64}", selector) and match["identity"].startswith(selector[:8])
    return 2 if is_identity else None


def _names(run: Path) -> set[str]:
    match = FOLDER_NAME.fullmatch(run.name)
    return {match["name"], f"{match['name']}-seed{match['seed']}"} if match else {run.name}


def as_named(folder: Path) -> Path:
    """A run folder as a path without links, `.` and `..`, so that its last parts are results, data set and run."""
    return folder if len(folder.parts) > 2 and folder.absolute() == folder.resolve() else folder.resolve()


def read_run(folder: Path) -> RunRecord:
    """Reads a run folder's status.json and its summary.json, if there is one.

    Raises: GanlabError, one line that names the file: it is damaged or unreadable, or the folder holds a link.
    """
    require_unlinked(folder.parent.parent, folder)
    require_contained(folder)
    files = RunFolder(folder)
    try:
        status = files.status()
        if not status:
            raise GanlabError(f"{files.status_file}: damaged: missing")
        record = RunRecord(folder, status, read_summary(files.summary) if files.summary.exists() else None)
        if record.summary is None:
            record.config  # lists need it in place of the summary, so its damage belongs here  # noqa: B018
        return record
    except OSError as error:  # another user's file, or a folder in place of a file
        raise GanlabError(f"{error.filename or folder}: {error.strerror}") from error


def read_runs(folders: list[Path]) -> tuple[list[RunRecord], list[str]]:
    """Reads many run folders: the records, and a line for each folder that cannot be read."""
    records, problems = [], []
    for folder in folders:
        try:
            record = read_run(folder)
            record.family  # noqa: B018 - without a summary this reads the config; later its damage would hide other runs
            records.append(record)
        except GanlabError as error:
            problems.append(str(error))
    return records, problems
