"""A benchmark of optimizers, from run folders alone: for each problem the best setting of each optimizer.

The form is that of DeepOBS (Schneider et al. 2019, arXiv 1903.05499): every optimizer may be tuned, and the best setting of each
is compared. A problem is everything in the configs but the optimizers, so runs of other networks, data or lengths never meet.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ganlab.config.loading import load_resolved
from ganlab.errors import ConfigError, GanlabError
from ganlab.metrics.names import better
from ganlab.reports.averages import Cell, Statistic, data_of, labels_of, metric_key, summarize
from ganlab.reports.figures import Figure, told_settings
from ganlab.reports.formats.text import render
from ganlab.reports.metric_names import MetricKey, main_metric
from ganlab.reports.plain_data import plain
from ganlab.reports.report import Report
from ganlab.reports.settings import changes_training, flatten, settings_of, short_keys, varied
from ganlab.reports.table import Table, exact, number, numbers, spread, texts
from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import read_metrics

BASELINES = ("SGD", "momentum", "Adam")  # as in DeepOBS
_BAD = ("collapsed", "not_converged", "diverged")


@dataclass(frozen=True)
class Setting:
    """One choice of the optimizers' arguments, with the runs of all its seeds."""

    optimizer: str  # `Adam`; `Adam / SGD` for different ones, in the order of the config's networks
    arguments: str
    rate: float | None  # the learning rate, if all networks have the same number
    cell: Cell
    score: Statistic  # of the metric's last values

    def share(self, verdict: str) -> tuple[int, int]:
        """How many of the ended runs have this verdict, and how many have ended."""
        ended = [run for run in self.cell.runs if run.judged]
        return sum(run.verdict == verdict for run in ended), len(ended)


@dataclass(frozen=True)
class Problem:
    """Runs that differ in their optimizers and seeds alone."""

    title: str
    metric: MetricKey
    label: str
    settings: list[Setting]

    @cached_property
    def optimizers(self) -> dict[str, list[Setting]]:
        """The settings of each optimizer, the best first: baselines, then the others by name."""
        names = {setting.optimizer for setting in self.settings}
        order = [*(name for name in BASELINES if name in names), *sorted(names - {*BASELINES})]
        return {name: sorted((s for s in self.settings if s.optimizer == name), key=self._rank) for name in order}

    @cached_property
    def best(self) -> dict[str, Setting]:
        """The best setting of each optimizer that has a finished run with a value."""
        return {
            name: settings[0] for name, settings in self.optimizers.items() if math.isfinite(self._rank(settings[0]))
        }

    def _rank(self, setting: Setting) -> float:
        mean = setting.score.mean
        if mean is None or not math.isfinite(mean):
            return math.inf
        return mean if better(self.metric.name) == "lower" else -mean


def problems_of(report: Report, names: Collection[str], study: str) -> list[Problem]:
    """The problems of a benchmark.

    Args:
        report: with all runs; its first metric, or else its first distance, is the score.
        names: of the study's runs. Other runs are left out.
        study: its path, for the message.

    Raises:
        ConfigError: no run has one of the names, or none of these runs has a metric.
    """
    cells = [cell for cell in report.cells if any(run.name in names for run in cell.runs)]
    if not cells:
        raise ConfigError(f"--benchmark {study}: no run here has the name of one of its {len(names)} configs")
    found, _ = settings_of([cell.runs[0] for cell in cells])  # build_report has told of unreadable configs
    grouped: dict[str, list[tuple[Cell, dict[str, Any]]]] = {}
    for cell, settings in zip(cells, found, strict=True):
        rest = {key: value for key, value in (_defaults(cell) | settings).items() if ".optimizer" not in key}
        data = {"dataset": cell.dataset, "data": cell.data, "labels": labels_of(cell.runs[0])}
        grouped.setdefault(exact([data, rest]), []).append((cell, settings))
    firsts = [members[0] for members in grouped.values()]
    told = varied([{k: v for k, v in settings.items() if ".optimizer" not in k} for _, settings in firsts])
    heads = short_keys(list(told[0]))
    cells_of = [first for first, _ in firsts]
    titles = []
    for first, differing in zip(cells_of, told, strict=True):
        more = {heads[name]: value for name, value in differing.items() if value != first.dataset}
        titles.append(", ".join(filter(None, (first.dataset, told_settings(more)))))
    problems = []
    for title, members in zip(_told_apart(titles, cells_of), grouped.values(), strict=True):
        labels = report.labels_of([cell for cell, _ in members])
        main = main_metric(key.name for key in labels)
        if main is not None:
            key = next(key for key in labels if key.name == main)
            problems.append(Problem(title, key, labels[key], [_setting(*member, key) for member in members]))
    if not problems:
        raise ConfigError(f"--benchmark {study}: its runs have no metric yet")
    return problems


def _told_apart(titles: list[str], cells: list[Cell]) -> list[str]:
    """The titles; equal ones with the fingerprints in which their cells differ, so that their figures have their own names."""
    marks = {
        "data": [(cell.data or "unknown")[:8] for cell in cells],
        "labels": [(labels_of(cell.runs[0]) or "published")[:9] for cell in cells],
    }
    for word, of_cells in marks.items():
        found = list(zip(titles, of_cells, strict=True))
        of_title = {title: {mark for other, mark in found if other == title} for title in titles}
        titles = [f"{title} ({word} {mark})" if len(of_title[title]) > 1 else title for title, mark in found]
    return titles


def _defaults(cell: Cell) -> dict[str, Any]:
    """The keys of a cell's config, for those that an earlier version did not write; {} for a config that does not load."""
    try:
        config = load_resolved(RunFolder(cell.runs[0].folder).config)
    except (GanlabError, OSError):
        return {}
    return {key: value for key, value in flatten(config.model_dump()) if changes_training(key) and ".layers" not in key}


def _setting(cell: Cell, settings: Mapping[str, Any], key: MetricKey) -> Setting:
    kinds, arguments = {}, {}
    for network, kind in ((k.removesuffix(".optimizer"), v) for k, v in settings.items() if k.endswith(".optimizer")):
        start = f"{network}.optimizer.{kind}."
        given = {name.removeprefix(start): value for name, value in settings.items() if name.startswith(start)}
        kinds[network], arguments[network] = _name(kind, given), given
    told = [", ".join(f"{name} {exact(value)}" for name, value in given.items()) for given in arguments.values()]
    rates = {given.get("learning_rate") for given in arguments.values()}
    rate = rates.pop() if len(rates) == 1 else None
    score = cell.metrics[key].last if key in cell.metrics else summarize([])
    alike = [" / ".join(dict.fromkeys(parts)) for parts in (kinds.values(), told)]
    return Setting(*alike, rate if isinstance(rate, int | float) else None, cell, score)


def _name(kind: str, arguments: Mapping[str, Any]) -> str:
    """The field's name of an optimizer: SGD with a momentum is another one than SGD."""
    if kind != "SGD" or not arguments.get("momentum"):
        return kind
    return "Nesterov" if arguments.get("nesterov") else "momentum"


def benchmark_tables(problems: Sequence[Problem]) -> list[Table]:
    """Problem x optimizer, then for each problem its optimizers with their best settings."""
    names = list(dict.fromkeys(name for name in BASELINES if any(name in p.best for p in problems)))
    names += sorted({name for problem in problems for name in problem.best} - {*names})
    rows = [
        {"problem": p.title, "metric": p.label} | {name: str(p.best[name].score) for name in names if name in p.best}
        for p in problems
    ]
    notes = ["Best setting of each optimizer: mean ± sample standard deviation over seeds (n)."]
    notes += [f"Baselines: {', '.join(name for name in BASELINES if name in names) or 'none'}."]
    overview = Table([*texts("problem", "metric"), *numbers(*names)], rows, "Problems and optimizers", notes)
    return [overview, *map(_of_problem, problems)]


def _of_problem(problem: Problem) -> Table:
    base = [problem.best[name] for name in BASELINES if name in problem.best]
    base = min(base, key=problem._rank) if base else None
    rows = []
    for name, settings in problem.optimizers.items():
        row = {"optimizer": name, "settings": len(settings)} | {bad: _share(settings, bad) for bad in _BAD}
        if best := problem.best.get(name):
            row |= {
                "best setting": best.arguments,
                "n": best.score.n,
                problem.label: spread(best.score.mean, best.score.sd),
            }
            row |= {"against baseline": number(best.score.mean - base.score.mean)} if base else {}
            row |= {"seconds": best.cell.cost("seconds").mean}
        rows.append(row)
    columns = [*texts("optimizer", "best setting"), *numbers(problem.label, "n"), *numbers("against baseline", rank=2)]
    columns += [*numbers("settings", rank=3), *numbers(*_BAD, rank=1), *numbers("seconds", rank=4)]
    notes = [
        f"{better(problem.metric.name).capitalize()} is better. The best of many settings looks better than it is."
    ]
    notes += ["collapsed, not_converged, diverged: of all ended runs, whatever their setting."]
    notes += [f"Against the best baseline, {base.optimizer}: the difference of the means."] if base else []
    return Table(columns, rows, f"{problem.title}, {problem.label}", notes)


def settings_table(problems: Sequence[Problem]) -> Table:
    """Every setting of every problem in a row of its own, numbers in full, for programs."""
    rows = []
    for problem in problems:
        for name, settings in problem.optimizers.items():
            for s in settings:
                row = {"problem": problem.title, "metric": problem.label, "optimizer": name, "arguments": s.arguments}
                row |= {"learning_rate": s.rate, "best": int(s is problem.best.get(name))}
                row |= {"n": s.score.n, "mean": s.score.mean, "sd": s.score.sd, "seconds": s.cell.cost("seconds").mean}
                row |= {"runs": s.share("")[1], **{bad: s.share(bad)[0] for bad in _BAD}}
                rows.append({key: plain(value) for key, value in row.items()})
    return Table(texts(*rows[0]), rows)


def render_benchmark(report: Report, problems: Sequence[Problem], format_name: str) -> str:
    """The tables as the text of a whole file; as `csv` the one table of all settings, as `html` a page with pictures."""
    if format_name == "html":
        from ganlab.reports.formats import benchmark_page  # imports this module

        return benchmark_page.render(report, problems)
    return render([settings_table(problems)] if format_name == "csv" else benchmark_tables(problems), format_name)


def draw_benchmark(problems: Sequence[Problem], folder: Path) -> Iterator[Figure]:
    """Draws for each problem the score over steps and over learning rates, a curve for each optimizer.

    A problem without two measured steps, or without two learning rates of one optimizer, has no such picture. The figure of
    the steps tells of runs whose values cannot be read, and leaves them out.
    """
    from ganlab.pictures.curves import write_curves

    for problem in problems:
        start = re.sub(r"[^A-Za-z0-9.-]+", "_", problem.title)
        unread: list[str] = []
        steps = {name: _over_steps(setting, problem.metric, unread) for name, setting in problem.best.items()}
        title = f"Best setting of each optimizer, {problem.title}"
        path = folder / f"{start}-scores.png"
        if has_steps := any(len(curve) > 1 for curve in steps.values()):
            write_curves(path, steps, "step", problem.label, title)
        if has_steps or unread:
            yield Figure(path, problem.title, title, wide=True, problem="; ".join(unread))
        rates = {name: curve for name, found in problem.optimizers.items() if (curve := _over_rates(found))}
        if any(len(curve) > 1 for curve in rates.values()):
            title = f"Sensitivity to the learning rate, {problem.title}"
            path = folder / f"{start}-learning-rates.png"
            write_curves(path, rates, "learning rate", problem.label, title, logarithmic=True)
            yield Figure(path, problem.title, title, wide=True)


def _over_steps(setting: Setting, key: MetricKey, unread: list[str]) -> dict[float, Statistic]:
    """Step -> the metric over the seeds that measured it; adds a line to `unread` for each file that cannot be read."""
    found: dict[int, list[float]] = {}
    for run in setting.cell.averaged:
        path, lines = RunFolder(run.folder).metrics, []
        try:
            lines = read_metrics(path)
        except GanlabError as error:
            unread.append(str(error))
        except OSError as error:
            unread.append(f"{path}: cannot be read: {error.strerror}")
        for line in lines:
            if (
                line["name"] == key.name
                and metric_key(key.name, run.metrics.get(key.name, {}) | line, data_of(run)) == key
            ):
                found.setdefault(line["step"], []).append(line["value"])
    return {step: summarize(found[step]) for step in sorted(found)}


def _over_rates(settings: Sequence[Setting]) -> dict[float, Statistic]:
    """Learning rate -> the score of the best setting with this rate; `settings` has the best first."""
    found = {s.rate: s.score for s in reversed(settings) if s.rate is not None and s.score.n}
    return dict(sorted(found.items()))


def _share(settings: Sequence[Setting], verdict: str) -> str:
    counts = [setting.share(verdict) for setting in settings]
    return f"{sum(bad for bad, _ in counts)} of {sum(ended for _, ended in counts)}"
