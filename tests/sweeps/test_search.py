"""A search without trainings: the runs that it asks for are written as finished ones."""

import importlib.util
import json
import math
import re
from pathlib import Path

import pytest

from ganlab.config.reader import read_yaml
from ganlab.errors import ConfigError
from ganlab.reports.comparison import comparison_tables
from ganlab.reports.report import build_report
from ganlab.runs.folder import RunFolder
from ganlab.sweeps.configs import configs_of
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.search import Search, search_at
from tests import run_folders
from tests.sweeps.examples import write_study

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="the extra 'search' is not installed"
)

RATE = "generator.optimizer.Adam.learning_rate"
SEARCH = """\
search:
  metric: fd1k_classifier
  trials: {trials}
  batch: {batch}
  space:
    {rate}: {{log_range: [1e-5, 1e-1]}}
    latent.dim: {{range: [2, 5]}}
    loss: [hinge, {{least_squares: {{real_label: 0.9}}}}]
"""


def write(folder: Path, trials: int = 6, batch: int = 2, more: str = "") -> Path:
    return write_study(folder, SEARCH.format(trials=trials, batch=batch, rate=RATE) + more)


def open_search(path: Path, overrides=("metrics=[fd1k_classifier]",), seeds=None) -> Search:
    return Search(read_yaml(path), path, overrides, seeds)


def rate_of(config) -> float:
    return config.generator.optimizer["Adam"]["learning_rate"]


def score_of(config) -> float:
    """Best at a learning rate of 1e-3; seeds differ."""
    return (math.log10(rate_of(config)) + 3) ** 2 + config.seed


def trained(results: Path, configs, status="finished", score=score_of) -> list[Job]:
    """A job for each config, with its run folder, as if the sweep had trained it."""
    jobs = []
    for config in configs:
        metrics = {"fd1k_classifier": run_folders.metric(score(config))}
        folder = run_folders.write_run(results, config.name, seed=config.seed, status=status, metrics=metrics)
        jobs.append(Job(config, "c", "i", 60, folder))
    return jobs


def run(search: Search, results: Path) -> list:
    """Trains all trials; the configs of each batch."""
    batches = []
    while configs := search.ask():
        batches.append(configs)
        search.plan(trained(results, configs))
        search.tell()
    return batches


def test_values_come_from_the_space_and_numbers_have_four_digits(tmp_path):
    batches = run(open_search(write(tmp_path)), tmp_path / "results")
    configs = [config for batch in batches for config in batch]
    assert [len(batch) for batch in batches] == [2, 2, 2]
    assert [config.name for config in configs] == [f"tiny-trial{number}" for number in range(1, 7)]
    for config in configs:
        rate = rate_of(config)
        assert 1e-5 <= rate <= 1e-1 and float(f"{rate:.4g}") == rate
        assert config.latent.dim in (2, 3, 4, 5) and config.loss.name in ("hinge", "least_squares")
    assert len({rate_of(config) for config in configs}) == 6
    assert {config.loss.real_label for config in configs if config.loss.name == "least_squares"} == {(0.9, 0.9)}


def test_a_search_that_starts_again_proposes_the_same_trials(tmp_path):
    path = write(tmp_path, trials=14)
    first = run(open_search(path), tmp_path / "a")
    again = open_search(path)
    assert run(again, tmp_path / "b") == first and again.ask() == []
    longer = run(open_search(write(tmp_path, trials=18)), tmp_path / "c")
    assert longer[: len(first)] == first and len(longer) == 9, "more trials go on where the search ended"


def test_later_trials_are_better_than_the_first_ones(tmp_path):
    search = open_search(write(tmp_path, trials=30, batch=1))
    scores = [score_of(config) for (config,) in run(search, tmp_path)]
    assert sum(scores[-10:]) < sum(scores[:10])
    assert search.best().score == min(scores) and search.best().number == scores.index(min(scores)) + 1
    assert search.result().startswith(f"30 trials; best: trial {search.best().number}, fd1k_classifier ")


def test_a_trial_has_the_mean_score_of_its_seeds(tmp_path):
    search = open_search(write(tmp_path, trials=1, more="seeds: [0, 4]"))
    ((first, second),) = run(search, tmp_path)
    assert (first.seed, second.seed) == (0, 4) and rate_of(first) == rate_of(second)
    assert search.best().score == pytest.approx((score_of(first) + score_of(second)) / 2)
    assert [config.seed for config in open_search(write(tmp_path, batch=1), seeds=[7, 8]).ask()] == [7, 8]


def test_a_trial_with_a_run_that_is_not_finished_has_no_score(tmp_path):
    search = open_search(write(tmp_path, trials=2, batch=2))
    first, second = search.ask()
    search.plan([*trained(tmp_path, [first], status="diverged"), *trained(tmp_path, [second])])
    search.tell()
    assert [trial.score for trial in search.trials] == [None, score_of(second)] and search.best().number == 2
    alone = open_search(write(tmp_path, trials=1))
    (config,) = alone.ask()
    alone.plan([Job(config, "c", "i", 60, tmp_path / "never-started")])
    alone.tell()
    assert alone.result() == "1 trial; none has a value of fd1k_classifier"


def test_two_trials_of_one_run_share_its_score(tmp_path):
    search = open_search(write(tmp_path, trials=2, batch=2))
    first, _ = search.ask()
    (job,) = trained(tmp_path, [first])
    search.plan([Job(job.config, "c", "i", 60, job.folder, also_named=("tiny-trial2-seed0",))])
    search.tell()
    assert search.trials[0].score == search.trials[1].score == score_of(first)


def test_scores_of_which_more_is_better_are_maximised(tmp_path):
    path = write(tmp_path, trials=2)
    path.write_text(path.read_text().replace("fd1k_classifier", "is1k_classifier"))
    search = open_search(path, ["metrics=[is1k_classifier]"])
    configs = search.ask()
    jobs = trained(tmp_path, configs)
    for job, value in zip(jobs, (2.0, 3.0), strict=True):
        summary = (job.folder / "summary.json").read_text()
        written = summary.replace("fd1k_classifier", "is1k_classifier").replace(str(score_of(job.config)), str(value))
        (job.folder / "summary.json").write_text(written)
    search.plan(jobs)
    search.tell()
    assert search.best().number == 2 and search.best().score == 3.0


def number_of(job) -> int:
    """The number of a job's trial."""
    return int(re.search(r"trial(\d+)", job.config.name)[1])


def begun(results: Path, config) -> Job:
    """The job of a run that has stopped before its first metric, or that an earlier search has left."""
    found = [*results.glob(f"digits/{config.name}-seed{config.seed}-*")]
    metrics = {"fd1k_classifier": run_folders.metric(0.0)}
    make = {"seed": config.seed, "status": "stopped", "metrics": metrics}
    folder = found[0] if found else run_folders.write_run(results, config.name, **make)
    return Job(config, "c" * 64, RunFolder(folder).status()["identity"], 60, folder)


def measure(job: Job, step: int, value: float) -> None:
    """Writes a metric as a run does; the run is finished at its last step."""
    files = RunFolder(job.folder)
    with files.metrics.open("a") as lines:
        lines.write(json.dumps({"name": "fd1k_classifier", "step": step, "value": value}) + "\n")
    if step == job.steps:
        summary = json.loads(files.summary.read_text())
        summary["metrics"]["fd1k_classifier"] = run_folders.metric(value)
        files.summary.write_text(json.dumps(summary))
        files.set_status("finished")


MEASURED = ("metrics=[fd1k_classifier]", "output.metrics_every=20")


def write_pruned(folder: Path, trials: int = 7, batch: int = 1, more: str = "") -> Path:
    path = write(folder, trials, batch, more)
    path.write_text(path.read_text().replace("  space:", "  pruner: median\n  space:"))
    return path


# The median of five trials is 3 at the first comparison and 13 at the second. Lower is better.
EARLIER = {number: (number, 10 + number, number) for number in range(1, 6)}
WORSE = "fd1k_classifier is worse than in half of the trials before"


class TestPruner:
    """Runs of 60 steps that are measured every 20: the pruner compares them at the steps 20 and 40."""

    @pytest.fixture
    def opened(self, tmp_path):
        """A function that opens the search of as many trials."""

        def open_it(trials=7, batch=1, more=""):
            return open_search(write_pruned(tmp_path, trials, batch, more), MEASURED)

        return open_it

    def train(self, search, results, curves) -> None:
        """Trains all trials as a sweep does, each run to its end or to the step at which it is pruned.

        Args:
            curves: number of the trial: its values at the steps 20, 40 and 60.
        """
        while configs := search.ask():
            jobs = [begun(results, config) for config in configs]
            search.plan(jobs)
            for job in jobs:
                for step, value in zip((20, 40, 60), curves[number_of(job)], strict=True):
                    if not (RunFolder(job.folder).status()["status"] == "finished" or search.pruned(job)):
                        measure(job, step, value)
            search.tell()

    @pytest.mark.parametrize(
        ("curve", "step"),
        [
            ((3.5, 0, 0), 20),
            ((3, 13, 99), None),  # equal to the median; the last value is not compared
            ((2.9, 12, 99), None),
            ((2.9, 13.5, 1), None),  # its best value so far is compared
        ],
    )
    def test_a_trial_that_is_worse_than_the_median_is_given_up(self, opened, tmp_path, curve, step):
        search = opened(trials=6)
        self.train(search, tmp_path / "results", EARLIER | {6: curve})
        assert [trial.pruned for trial in search.trials[:5]] == [None] * 5, "five scores come first"
        last = search.trials[5]
        assert (last.pruned, last.score) == (
            f"at step {step} {WORSE}" if step else None,
            None if step else curve[2],
        )
        assert search.result().startswith(f"6 trials{', 1 pruned' if step else ''}; best: trial 1, fd1k_classifier 1 ")

    def test_the_status_of_a_pruned_run_says_why_and_a_second_search_decides_the_same(self, opened, tmp_path):
        curves = EARLIER | {6: (4, 1, 1), 7: (2, 2, 2)}
        first, again, results = opened(), opened(), tmp_path / "results"
        self.train(first, results, curves)
        (run,) = results.glob("digits/tiny-trial6-*")
        status = RunFolder(run).status()
        assert (status["status"], status["reason"]) == ("stopped", f"pruned: at step 20 {WORSE}")
        (note,) = [note for note in comparison_tables(build_report((), results=results))[0].notes if "trial6" in note]
        assert note.endswith(f"; pruned: at step 20 {WORSE}.")
        before = {path: path.read_bytes() for path in results.rglob("*.json")}
        self.train(again, results, curves)
        assert again.as_dicts() == first.as_dicts() and again.trials[6].score == 2
        assert {path: path.read_bytes() for path in results.rglob("*.json")} == before

    def test_the_first_seed_decides_for_all_and_no_trial_of_the_batch_counts(self, opened, tmp_path):
        search, results = opened(trials=8, batch=2, more="seeds: [0, 1]"), tmp_path / "results"
        self.train(search, results, EARLIER | {6: (6, 6, 6), 7: (4.5, 0, 0), 8: (9, 9, 9)})
        # Three batches come before: their median at step 20 is 3.5.
        assert [trial.number for trial in search.trials if trial.pruned] == [7, 8]
        assert not [*results.glob("digits/tiny-trial7-seed1-*/metrics.jsonl")]

    def test_other_steps_that_evaluate_has_measured_are_not_compared(self, opened, tmp_path):
        search, results = opened(trials=6), tmp_path / "results"
        curves = EARLIER | {6: (2, 2, 2)}
        self.train(search, results, curves)
        for run in results.glob("digits/tiny-trial6-*"):
            with RunFolder(run).metrics.open("a") as lines:
                lines.write('{"name": "fd1k_classifier", "step": 10, "value": 1e9}\n')
        again = opened(trials=6)
        self.train(again, results, curves)
        assert again.as_dicts() == search.as_dicts()

    def test_needs_metrics_during_the_training(self, tmp_path):
        path = write_pruned(tmp_path)
        expected = "expected output.metrics_every in the base, at whose steps runs are compared"
        with pytest.raises(ConfigError, match=f":6:3: search.pruner: {expected}$"):
            open_search(path)
        path.write_text(path.read_text().replace("median", "hyperband"))
        with pytest.raises(
            ConfigError, match=r":6:3: search.pruner: expected one of none, median, received 'hyperband'"
        ):
            open_search(path)


SPACE = "search.space['latent.dim']"
ENDS = "expected [low, high] with low < high"
FORMS = "expected a list of choices, {range: [low, high]} or {log_range: [low, high]}"
AT_METRIC = "3:3: search.metric"
PARTS = ", ".join(f"pr1k_classifier.{part}" for part in ("precision", "recall", "density", "coverage"))
METRIC = "the base does not compute it; its metrics are ['fd1k_classifier']"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[1e-5, 1e-1]", "[0, 1]", f"7:46: search.space['{RATE}'].log_range: {ENDS} and 0 < low, received [0, 1]"),
        ("[2, 5]", "[5, 2]", f"8:18: {SPACE}.range: {ENDS}, received [5, 2]"),
        ("[2, 5]", "[0, 5]", "8:26: latent.dim: expected an integer >= 1, received 0"),
        ("{range: [2, 5]}", "3", f"8:5: {SPACE}: {FORMS}, received 3"),
        ("latent.dim", "latent.dimm", "8:27: latent.dimm: unknown key. Did you mean 'dim'?"),
        ("latent.dim", "seed", "8:5: search.space.seed: cannot be varied; list seeds under 'seeds'"),
        ("[hinge,", "[hing,", "9:12: loss: expected one of"),
        ("fd1k_classifier", "fd1k_clasifier", "3:3: search.metric: no such metric. Did you mean 'fd1k_classifier'?"),
        ("fd1k_classifier", "is1k_classifier", f"3:3: search.metric: {METRIC}"),
        (
            "fd1k_classifier",
            "fd1k_classifier.foo",
            f"{AT_METRIC}: expected fd1k_classifier, received 'fd1k_classifier.foo'",
        ),
        ("fd1k_classifier", "pr1k_classifier", f"{AT_METRIC}: expected one of {PARTS}, received 'pr1k_classifier'"),
        ("fd1k_classifier", "pr1k_classifier.f", f"{AT_METRIC}: expected one of {PARTS}, received 'pr1k_classifier.f'"),
        ("trials: 6", "trials: 0", "4:3: search.trials: expected an integer from 1 to 10000, received 0"),
        (
            "search:",
            "matrix: {loss: [hinge]}\nsearch:",
            "2:1: matrix: expected none beside search, which has its own space",
        ),
    ],
)
def test_a_mistake_is_located(tmp_path, old, new, line):
    path = write(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        open_search(path)
    assert str(caught.value).startswith(f"{path}:{line}")


def test_a_part_of_a_metric_is_a_score(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text().replace("fd1k_classifier", "pr1k_classifier.recall"))
    assert open_search(path, ["metrics=[pr1k_classifier]"]).metric == "pr1k_classifier.recall"


def test_auto_is_resolved_before_the_first_trial(tmp_path, monkeypatch):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    path = write(tmp_path)
    assert open_search(path, ["metrics=auto"])
    text = path.read_text()
    path.write_text(text.replace("fd1k_classifier", "fd5k_classifier"))
    with pytest.raises(ConfigError) as caught:
        open_search(path, ["metrics=auto"])
    names = ["fd1k_classifier", "is1k_classifier", "pr1k_classifier"]
    told = f"{path}:{AT_METRIC}: the base does not compute it; its metrics are {names}"
    assert str(caught.value) == told


def test_auto_of_data_that_are_not_here_is_left_to_the_sweep(tmp_path, monkeypatch):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GANLAB_DATA", raising=False)
    for name in ("cifar10", "celeba", "folder, source: nowhere"):
        path = write(tmp_path)
        base = tmp_path / "base" / "tiny.yaml"
        base.write_text(base.read_text().replace("name: digits", f"name: {name}, image_size: 8"))
        assert open_search(path, ["metrics=auto"]).total == 6


def test_a_search_takes_no_grid_and_no_override_of_its_keys(tmp_path):
    path = write(tmp_path)
    with pytest.raises(ConfigError, match=r"^-o train\.steps=5,6: a search takes one value of a key$"):
        open_search(path, ["metrics=[fd1k_classifier]", "train.steps=5,6"])
    with pytest.raises(ConfigError, match=r"^-o loss=hinge: loss: this key is varied at .*study\.yaml:9:5$"):
        open_search(path, ["loss=hinge"])


def test_only_a_path_of_its_own_is_a_search(tmp_path):
    path = write(tmp_path)
    overrides = ["metrics=[fd1k_classifier]"]
    assert search_at([path], overrides, None) and search_at([tmp_path], overrides, None)
    assert search_at([path, path], overrides, None) is None
    assert search_at([tmp_path / "base" / "tiny.yaml"], (), None) is None
    _, (problem,) = configs_of(path)
    assert str(problem) == f"{path}:2:1: search: only `ganlab sweep` trains a search, with no other path beside it"


def test_optuna_that_is_not_installed_is_one_line(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "optuna" else find(name, *more)
    )
    with pytest.raises(ConfigError, match=r"^optuna is not installed; pip install 'ganlab\[search\]'$"):
        open_search(write(tmp_path))
