"""A search: a study whose configs Optuna proposes, batch after batch, from the scores of the runs before.

No file keeps the state of a search. The sampler has a fixed seed, and a finished run is not trained again: the same command
proposes the same trials again, reads their scores from the run folders, and goes on where it stopped.
"""

import importlib.util
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlab.config.document import Document, Node, error_in, shown
from ganlab.config.loading import configs_at, read_config, resolve_config
from ganlab.config.merging import keys_of, put
from ganlab.config.reader import read_yaml
from ganlab.config.schema import Config
from ganlab.errors import ConfigError, did_you_mean, raise_first
from ganlab.metrics.names import NAMES, better
from ganlab.runs.folder import RunFolder
from ganlab.runs.records import read_run
from ganlab.sweeps.configs import check_overrides, is_study
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.matrix import Cell, read_grid, read_study_file

if TYPE_CHECKING:
    import optuna

_DIGITS = 4  # of numbers from a range


@dataclass
class Trial:
    """One proposal: its number from 1, its values by dotted key, a config for each seed, and the mean score of its runs."""

    number: int
    values: dict[str, Any]
    configs: list[Config]
    score: float | None = None


def search_at(paths: Sequence[Path], overrides: Sequence[str], seeds: Sequence[int] | None) -> "Search | None":
    """The search of the only path, or None. Raises: ConfigError, located."""
    if len(paths) != 1 or len(files := configs_at(paths[0])) != 1:
        return None
    document = read_yaml(files[0])
    if not (is_study(document.data) and "search" in document.data):
        return None
    return Search(document, files[0], overrides, seeds)


class Search:
    """Gives configs by `ask`, and takes their runs by `tell`.

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
        if self.metric.partition(".")[0] not in NAMES:
            raise error_in(document, ("search", "metric"), f"no such metric.{did_you_mean(self.metric, NAMES)}")
        problems = []
        for key, node in self.space.items():
            for value in _ends(node):
                try:
                    config = self._configs("trial", {key: value})[0]
                except ConfigError as error:
                    problems += [error, *error.others]
        raise_first(problems)
        if config.metrics != "auto" and self.metric.partition(".")[0] not in config.metrics:
            raise error_in(
                document, ("search", "metric"), f"the base does not compute it; its metrics are {config.metrics}"
            )

    def ask(self) -> list[Config]:
        """The configs of the next trials, one for each trial and seed; [] after the last trial."""
        self._asked = []
        for _ in range(min(self.batch, self.total - len(self.trials))):
            asked = self._study.ask({key: _distribution(node) for key, node in self.space.items()})
            values = {key: _value(node, asked.params[key]) for key, node in self.space.items()}
            number = len(self.trials) + 1
            configs = self._configs(f"trial{number}", values)
            trial = Trial(number, {key: node.plain() for key, node in values.items()}, configs)
            self.trials.append(trial)
            self._asked.append((asked, trial))
        return [config for _, trial in self._asked for config in trial.configs]

    def tell(self, jobs: Sequence[Job]) -> None:
        """Reads the scores of the trials that `ask` gave. A trial has none if one of its runs is not finished or not measured."""
        by_label = {label: job for job in jobs for label in (job.label, *job.also_named)}
        for asked, trial in self._asked:
            scores = [self._score(by_label[f"{config.name}-seed{config.seed}"]) for config in trial.configs]
            if None in scores:
                self._study.tell(asked, state=_failed())
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
        if best is None:
            return f"{count}; none has a value of {self.metric}"
        values = ", ".join(f"{key}={shown(value)}" for key, value in best.values.items())
        return f"{count}; best: trial {best.number}, {self.metric} {best.score:.4g} ({values})"

    def as_dicts(self) -> list[dict[str, Any]]:
        """The trials for JSON."""
        return [{"number": each.number, "values": each.values, "score": each.score} for each in self.trials]

    def _configs(self, name: str, values: dict[str, Node]) -> list[Config]:
        base = self.base.value["name"]
        root = put(self.base, ["name"], Node(f"{base.plain()}-{name}", base.place))
        for key, value in values.items():
            root = put(root, keys_of(key), value)
        return [resolve_config(root, self.overrides, seed) for seed in self.seeds]

    def _score(self, job: Job) -> float | None:
        if RunFolder(job.folder).status().get("status") != "finished":
            return None
        return read_run(job.folder).metrics.get(self.metric, {}).get("last")


def _optuna_study(better_is: str) -> "optuna.Study":
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("optuna is not installed; pip install 'ganlab[search]'")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    direction = "minimize" if better_is == "lower" else "maximize"
    return optuna.create_study(direction=direction, sampler=optuna.samplers.TPESampler(seed=0))


def _failed() -> "optuna.trial.TrialState":
    from optuna.trial import TrialState

    return TrialState.FAIL


def _range(node: Node) -> tuple[str, list[Node]]:
    ((kind, ends),) = node.value.items()
    return kind, ends.value


def _ends(node: Node) -> Iterator[Node]:
    """The choices, or the two ends of a range."""
    yield from node.value if isinstance(node.value, list) else _range(node)[1]


def _distribution(node: Node) -> "optuna.distributions.BaseDistribution":
    """The range of a key; of choices, the range of their index, because a choice may be a mapping."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(node.value, list):
        return CategoricalDistribution(range(len(node.value)))
    kind, ends = _range(node)
    low, high = (end.value for end in ends)
    are_whole = type(low) is int and type(high) is int
    return (IntDistribution if are_whole else FloatDistribution)(low, high, log=kind == "log_range")


def _value(node: Node, drawn: int | float) -> Node:
    """The value of a key that Optuna has drawn. Numbers are rounded to four digits, but not past the ends of the range."""
    if isinstance(node.value, list):
        return node.value[drawn]
    low, high = (end.value for end in _range(node)[1])
    rounded = drawn if isinstance(drawn, int) else min(max(float(f"{drawn:.{_DIGITS}g}"), low), high)
    return Node(rounded, node.place)
