"""The commands as functions of Python: `run`, `load`, `sweep` and `report`. The user page is docs/python.md.

A mistake raises an error of ganlab.errors. The functions work in a notebook and in threads: the first Ctrl-C, or a notebook's
interrupt, saves the run and raises StoppedError, the second one raises KeyboardInterrupt. In another thread than the main one,
signals are left to the program.
"""

import base64
import html
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlab.config.document import shown, to_json
from ganlab.config.shipped import config_path
from ganlab.errors import ConfigError
from ganlab.runs.folder import RunFolder
from ganlab.runs.records import find_run, paths_of, read_run

if TYPE_CHECKING:
    import keras
    import numpy as np
    import pandas

    from ganlab.flows.load import Checkpointed

PathLike = str | os.PathLike[str]
Overrides = Mapping[str, Any] | Iterable[str]
_SHOWN = ("samples", "losses")  # the pictures of a run in a notebook


def run(
    config: PathLike,
    overrides: Overrides = (),
    seed: int | None = None,
    results: PathLike = "results",
    fresh: bool = False,
    quiet: bool = False,
) -> "Run":
    """Trains the GAN of a config file, as `ganlab run` does, and gives its run; a finished run is not trained again.

    Args:
        config: the path of a YAML file, or the name of a config that ships with ganlab, such as `quickstart`.
        overrides: values for keys of the config, as `{"train.steps": 100}` or `["train.steps=100"]`.
        seed: in place of the config's seed.
        results: the folder of all runs.
        fresh: whether the run starts again, in a new folder beside the old one.
        quiet: whether no progress is printed.

    Raises:
        ConfigError: a mistake in the config or an override, with its place.
        GanlabError: Keras runs on another backend in this process already.
        DivergedError, StoppedError, LockedError, MissingDataError: see ganlab.errors.
    """
    from ganlab.experiment import run_experiment
    from ganlab.flows.advice import note_of_metrics, warnings_of
    from ganlab.flows.plan import plan_experiment
    from ganlab.sweeps.configs import load_experiment
    from ganlab.training.signals import interrupt

    loaded = load_experiment(config_path(Path(_path(config, "config"))), _options(overrides), seed)
    plan = plan_experiment(loaded, Path(results), fresh)
    note = note_of_metrics(loaded, plan.dataset.form, plan.dataset.count)
    for line in (*warnings_of(loaded, plan.dataset.form), *([note] if note else [])):
        warnings.warn(line, stacklevel=2)
    return Run(run_experiment(plan, Path(results), quiet=quiet, leave=interrupt).path)


def load(run: PathLike, step: int | None = None, results: PathLike = "results") -> "Run":
    """A run by its folder, its name or its identity; needs no data set.

    Args:
        run: a path, or a word that `ganlab show` takes.
        step: of the checkpoint that `Run.generator` and `Run.sample` use; the newest one by default.
        results: the folder of all runs.

    Raises:
        ConfigError: no run fits, or several.
        GanlabError: its files are damaged.
    """
    return Run(find_run(Path(results), os.fspath(_path(run, "run"))), step)


def sweep(
    paths: PathLike | Sequence[PathLike],
    overrides: Overrides = (),
    seeds: Sequence[int] | None = None,
    jobs: int = 1,
    results: PathLike = "results",
    rerun: str | None = None,
    quiet: bool = False,
) -> list["Run"]:
    """Trains configs or studies in processes of their own, as `ganlab sweep` does, and gives the runs in order.

    Args:
        paths: a config, a study.yaml, a folder of configs, or several of them.
        overrides: as for `run`, for every config.
        seeds: every config is trained once with each.
        jobs: runs at a time.
        results: the folder of all runs.
        rerun: `failed` or `all` trains these runs again.
        quiet: whether no progress is printed.

    Raises:
        ConfigError: the first mistake of all configs, or of `jobs` and `rerun`; no run was started.
        SweepFailedError: some runs are not finished, and no search has given them up; the others are, and `load` gives them.
    """
    from ganlab.flows.sweep import Sweep
    from ganlab.sweeps.board import Board
    from ganlab.sweeps.local import LocalExecutor

    are_several = isinstance(paths, Iterable) and not isinstance(paths, str | os.PathLike | Mapping)
    named = paths if are_several else [paths]
    executor = LocalExecutor(Path(results), jobs)
    found = Sweep([Path(_path(path, "paths")) for path in named], _options(overrides), seeds, Path(results), rerun)
    for turn in found.turns():
        board = Board(list(turn.states), (lambda line: None) if quiet else print)
        found.train(turn, executor, board)
    found.require_finished()
    return [Run(job.folder) for job in found.jobs]


def report(
    *runs: PathLike, results: PathLike = "results", dataset: str | None = None, metrics: str | Sequence[str] = ()
) -> "pandas.DataFrame":
    """A row for each experiment, with mean, deviation and count over its seeds: the table of `ganlab report --format csv`.

    Args:
        runs: run folders, folders of them, or names; all runs by default.
        results: the folder of all runs.
        dataset: only runs on this data set.
        metrics: only this metric, or these metrics; the rows are sorted by the first.

    Warns: a line for each run folder that could not be read.

    Raises:
        ConfigError: no run fits a name.
    """
    import pandas

    from ganlab.reports.plain_data import tidy_rows
    from ganlab.reports.report import build_report

    paths = paths_of(Path(results), (os.fspath(_path(run, "runs")) for run in runs))
    metrics = [metrics] if isinstance(metrics, str) else metrics
    built = build_report(paths, results=Path(results), dataset=dataset, metrics=metrics)
    for problem in built.problems:
        warnings.warn(problem, stacklevel=2)
    return pandas.DataFrame(tidy_rows(built))


class Run:
    """A run folder. Files are read when an attribute is asked for; a notebook shows its grid, curves and scores.

    Attributes:
        folder: the path.
        status: `created`, `running`, `finished`, `failed`, `diverged` or `stopped`, when the object was made.
        verdict: `ok`, `collapsed`, `not_converged`, ... (docs/run-folder.md), or ''.
        summary: the content of summary.json; None until the run has ended.
        config: the resolved config, with every default.
    """

    def __init__(self, folder: PathLike, step: int | None = None):
        record = read_run(Path(folder))
        self.folder, self._files, self._record, self._step = record.folder, RunFolder(record.folder), record, step
        self.status, self.verdict, self.summary, self.config = (
            record.state,
            record.verdict,
            record.summary,
            record.config,
        )

    def __repr__(self) -> str:
        return f"Run('{self.folder}', {self.status})"

    @property
    def history(self) -> "pandas.DataFrame":
        """history.csv: a row for each step, the index; NaN where a step has no value. Seconds are of one step."""
        import pandas

        from ganlab.runs.logs import read_history

        if not self._files.history.exists():
            return pandas.DataFrame()
        return pandas.DataFrame(read_history(self._files.history)).astype({"step": int}).set_index("step")

    @property
    def metrics(self) -> "pandas.DataFrame":
        """metrics.jsonl: a row for each value, with its step, name, value, floor and protocol."""
        import pandas

        from ganlab.runs.logs import read_metrics

        return pandas.DataFrame(read_metrics(self._files.metrics))

    @property
    def generator(self) -> "keras.Model":
        """The generator with the weights of the checkpoint, built from config.yaml.

        Raises: CheckpointError, if there is no such checkpoint or it is damaged.
        """
        return self._checkpoint.sampler.network.model

    def sample(self, n: int, label: str | int | None = None, seed: int = 0) -> "np.ndarray":
        """Generated samples in the data's range, float32 (n, *data_shape). `ganlab sample --each` writes the same ones.

        Args:
            n: how many, at least 1.
            label: the class of all samples, by name or number; `all` gives n samples of each class, one class after the
                other. By default the classes take turns. Only for a generator that takes labels.
            seed: of the latents.

        Raises:
            ConfigError: an unknown label, or no sample.
            CheckpointError: see `generator`.
        """
        if n < 1:
            raise ConfigError(f"n: expected an integer >= 1, received {n}")
        from ganlab.training.draws import latents_of

        loaded = self._checkpoint
        chosen = None if label is None else loaded.class_of(label)
        count = n * loaded.sampler.classes if label == "all" else n
        latents = latents_of(loaded.config.latent, seed, "sample", count)
        return loaded.sampler.images(latents, loaded.labels(count, n if label == "all" else 1, chosen))

    @cached_property
    def _checkpoint(self) -> "Checkpointed":
        from ganlab.flows.load import load_checkpoint

        return load_checkpoint(self._files, self._step)

    def _repr_png_(self) -> bytes | None:
        """The newest grid of samples, for Jupyter."""
        grid = self._record.pictures().get("samples")
        return grid and grid.read_bytes()

    def _repr_html_(self) -> str:
        """The newest grid, the losses and the scores, for Jupyter."""
        import pandas

        pictures = self._record.pictures()
        sources = {name: base64.b64encode(pictures[name].read_bytes()).decode() for name in _SHOWN if name in pictures}
        images = [f'<img alt="{name}" src="data:image/png;base64,{source}">' for name, source in sources.items()]
        scores = pandas.DataFrame.from_dict(self._record.metrics, orient="index")
        told = scores[["last", "best", "best_step", "floor"]].to_html(na_rep="") if len(scores) else ""
        head = f"{self.folder}: {self.status}{f', {self.verdict}' if self.verdict else ''}"
        return f"<div><p>{html.escape(head)}</p>{''.join(images)}{told}</div>"


def _path(value: PathLike, name: str) -> PathLike:
    """The argument of a function. Raises: ConfigError for a mapping, a number or another value that is no path."""
    if not isinstance(value, str | os.PathLike):
        raise ConfigError(f"{name}: expected a path or a name, received {shown(value)}")
    return value


def _options(overrides: Overrides) -> list[str]:
    """Overrides as the words after -o. JSON is YAML, so a value keeps its type."""
    if isinstance(overrides, Mapping):
        return [f"{key}={to_json(value, default=_plain)}" for key, value in overrides.items()]
    return [overrides] if isinstance(overrides, str) else list(overrides)


def _plain(value: Any) -> Any:
    """A NumPy number or array, or a path, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise ConfigError(f"overrides: expected numbers, texts, lists and mappings, received {shown(value)}")
