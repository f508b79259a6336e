"""A search: a study whose configs Optuna proposes, batch after batch, from the scores of the runs before.

No file keeps the state of a search. The sampler has a fixed seed, and a finished run is not trained again: the same command
proposes the same trials again, reads their scores from the run folders, and goes on where it stopped. The pruner compares a
trial with the trials of earlier batches alone, so that its decision follows from run folders, too.
"""

import contextlib
import importlib.util
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlab.config.document import Document, Node, error_in, shown
from ganlab.config.loading import configs_at, read_config, resolve_config
from ganlab.config.merging import keys_of, put
from ganlab.config.reader import read_yaml
from ganlab.config.schema import Config
from ganlab.config.steps import final_data
from ganlab.errors import ConfigError, GanlabError, LockedError, MissingDataError, did_you_mean, raise_first
from ganlab.metrics.names import NAMES, better
from ganlab.runs.folder import RunFolder
from ganlab.runs.locks import locked
from ganlab.runs.logs import read_metrics
from ganlab.runs.records import read_run
from ganlab.storage.writing import guarding
from ganlab.sweeps.configs import check_overrides, is_study
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.matrix import Cell, read_grid, read_study_file
from ganlab.sweeps.search_space import distribution, drawn_value, ends

if TYPE_CHECKING:
    import optuna


@dataclass
class Trial:
    """One proposal: its number from 1, its values by dotted key, a config for each seed, and the mean score of its runs."""

    number: int
    values: dict[str, Any]
    configs: list[Config]
    score: float | None = None
    pruned: str | None = None  # why the trial was given up
    jobs: list[Job] = field(default_factory=list)  # of the configs
    compared: int = 0  # the last step that the pruner has seen


def search_at(paths: Sequence[Path], overrides: Sequence[str], seeds: Sequence[int] | None) -> "Search | None":
    """The search of the only path, or None. Raises: ConfigError, located."""
    if len(paths) != 1 or len(files := configs_at(paths[0])) != 1:
        return None
    document = read_yaml(files[0])
    if not (is_study(document.data) and "search" in document.data):
        return None
    return Search(document, files[0], overrides, seeds)


class Search:
    """Gives configs by `ask`, takes their jobs by `plan`, and reads the scores of their runs by `tell`.

    Args:
        document, path: the study.
        overrides: for every trial.
        seeds: of every trial; by default those of the study, else the base's own.

    Raises:
        ConfigError: a mistake in the study, or an end of a range or a choice that the base does not take; Optuna is missing.
    """

    def __init__(
        self, document: Document, path: Path, overrides: Sequence[str] = (), seeds: Sequence[int] | None = None
    ):
        file, base = read_study_file(document, path)
        self.metric, self.total, self.batch = file.search.metric, file.search.trials, file.search.batch
        self.prunes = file.search.pruner == "median"
        self.base, self.seeds = read_config(base), seeds or file.seeds or [None]
        self.space: dict[str, Node] = document.root.value["search"].value["space"].value
        self.overrides, grid = read_grid(overrides)
        check_overrides(Cell(self.space, {}), overrides)
        if len(grid) > 1:
            raise ConfigError(f"{next(iter(grid[0].values.values())).place}: a search takes one value of a key")
        self._check(document)
        self.trials: list[Trial] = []
        self._study = _optuna_study(better(self.metric))
        self._asked: list[tuple[optuna.Trial, Trial]] = []

    def _check(self, document: Document) -> None:
        at_metric = partial(error_in, document, ("search", "metric"))
        name = self.metric.partition(".")[0]
        if name not in NAMES:
            raise at_metric(f"no such metric.{did_you_mean(self.metric, NAMES)}")
        if self.metric not in (values := NAMES[name].value_names):
            raise at_metric(f"expected {'one of ' * (len(values) > 1)}{', '.join(values)}, received '{self.metric}'")
        problems = []
        for key, node in self.space.items():
            for end in ends(node):
                try:
                    config = self._configs("trial", {key: end})[0]
                except ConfigError as error:
                    problems += [error, *error.others]
        raise_first(problems)
        computed = _metrics_of(config)
        if computed is not None and name not in computed:
            raise at_metric(f"the base does not compute it; its metrics are {computed}")
        if self.prunes and config.output.metrics_every is None:
            raise error_in(
                document,
                ("search", "pruner"),
                "expected output.metrics_every in the base, at whose steps runs are compared",
            )

    def ask(self) -> list[Config]:
        """The configs of the next trials, one for each trial and seed; [] after the last trial."""
        self._asked = []
        for _ in range(min(self.batch, self.total - len(self.trials))):
            asked = self._study.ask({key: distribution(node) for key, node in self.space.items()})
            values = {key: drawn_value(node, asked.params[key]) for key, node in self.space.items()}
            number = len(self.trials) + 1
            configs = self._configs(f"trial{number}", values)
            trial = Trial(number, {key: node.plain() for key, node in values.items()}, configs)
            self.trials.append(trial)
            self._asked.append((asked, trial))
        return [config for _, trial in self._asked for config in trial.configs]

    def plan(self, jobs: Sequence[Job]) -> None:
        """Takes the jobs of the trials that `ask` gave. Two trials may share a run."""
        by_label = {label: job for job in jobs for label in (job.label, *job.also_named)}
        for _, trial in self._asked:
            trial.jobs = [by_label[f"{config.name}-seed{config.seed}"] for config in trial.configs]

    def pruned(self, job: Job) -> str | None:
        """Why the trial of a job is given up, or None. The run of its first seed decides for the runs of all seeds.

        The trial is given up at the first step of output.metrics_every, before the last step, at which its best value so far is
        worse than the median of the values that trials of earlier batches had at this step (Optuna's MedianPruner).
        """
        asked, trial = next(each for each in self._asked if job in each[1].jobs)
        if self.prunes and not trial.pruned:
            for step, value in self._values(trial.jobs[0]):
                if step > trial.compared and not trial.pruned:
                    trial.compared = step
                    asked.report(value, step)
                    if asked.should_prune():
                        trial.pruned = f"at step {step} {self.metric} is worse than in half of the trials before"
        return trial.pruned

    def _values(self, job: Job) -> list[tuple[int, float]]:
        """Steps and values of the metric. A later `ganlab evaluate` may have measured other steps."""
        lines = [line for line in read_metrics(RunFolder(job.folder).metrics) if line["name"] == self.metric]
        every = job.config.output.metrics_every
        return sorted(
            (line["step"], line["value"]) for line in lines if line["step"] < job.steps and line["step"] % every == 0
        )

    def tell(self) -> None:
        """Reads the scores of the planned trials. A trial that was pruned has none, nor one with a run that has no value.

        Each stopped run of a pruned trial gets the reason in its status.
        """
        from optuna.trial import TrialState

        reasons = [self.pruned(trial.jobs[0]) for _, trial in self._asked]  # before a trial of this batch counts
        for (asked, trial), reason in zip(self._asked, reasons, strict=True):
            scores = [self._score(job) for job in trial.jobs]
            if reason:
                self._study.tell(asked, state=TrialState.PRUNED)
                for job in trial.jobs:
                    _note(job, f"pruned: {reason}")
            elif None in scores:
                self._study.tell(asked, state=TrialState.FAIL)
            else:
                trial.score = statistics.fmean(scores)
                self._study.tell(asked, trial.score)

    def best(self) -> Trial | None:
        """The trial with the best score so far."""
        choose = min if better(self.metric) == "lower" else max
        return choose((trial for trial in self.trials if trial.score is not None), key=lambda t: t.score, default=None)

    def __str__(self) -> str:
        last, first = len(self.trials), len(self.trials) - len(self._asked) + 1
        return f"trial{f's {first} to' if first < last else ''} {last} of {self.total}"

    def result(self) -> str:
        """A line about the best trial."""
        best, count = self.best(), f"{len(self.trials)} trial{'s' * (len(self.trials) != 1)}"
        if pruned := sum(bool(trial.pruned) for trial in self.trials):
            count += f", {pruned} pruned"
        if best is None:
            return f"{count}; none has a value of {self.metric}"
        values = ", ".join(f"{key}={shown(value)}" for key, value in best.values.items())
        return f"{count}; best: trial {best.number}, {self.metric} {best.score:.4g} ({values})"

    def as_dicts(self) -> list[dict[str, Any]]:
        """The trials for JSON."""
        told = ("number", "values", "score", "pruned")
        return [{key: getattr(each, key) for key in told} for each in self.trials]

    def _configs(self, name: str, values: dict[str, Node]) -> list[Config]:
        base = self.base.value["name"]
        root = put(self.base, ["name"], Node(f"{base.plain()}-{name}", base.place))
        for key, node in values.items():
            root = put(root, keys_of(key), node)
        return [resolve_config(root, self.overrides, seed) for seed in self.seeds]

    def _score(self, job: Job) -> float | None:
        with contextlib.suppress(GanlabError):  # a damaged run has no score
            if RunFolder(job.folder).status().get("status") == "finished":
                return read_run(job.folder).metrics.get(self.metric, {}).get("last")
        return None


def _optuna_study(better_is: str) -> "optuna.Study":
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("optuna is not installed; pip install 'ganlab[search]'")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    direction = "minimize" if better_is == "lower" else "maximize"
    pruner = optuna.pruners.MedianPruner()  # from the sixth trial with a score on
    return optuna.create_study(direction=direction, sampler=optuna.samplers.TPESampler(seed=0), pruner=pruner)


def _metrics_of(config: Config) -> list[str] | None:
    """The names of the metrics of a config; None if `auto` depends on data that are not here. The sweep tells of those."""
    if config.metrics != "auto":
        return config.metrics
    from ganlab.data.registry import is_here, load_dataset
    from ganlab.metrics.protocols import resolve

    data = final_data(config)
    try:
        dataset = load_dataset(data, config.error_at) if is_here(data) else None
    except MissingDataError:
        return None
    return None if dataset is None else [metric.name for metric in resolve("auto", dataset)]


def _note(job: Job, reason: str) -> None:
    """Writes into the status of a run that has stopped why it was given up."""
    folder = RunFolder(job.folder)
    with contextlib.suppress(LockedError), locked(folder.results, job.identity) as require_own:
        status = folder.status()
        if status.get("status") == "stopped" and status.get("reason") != reason:
            with guarding(folder.path, require_own):
                folder.set_status("stopped", reason=reason)
