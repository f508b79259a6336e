"""A search without trainings: the runs that it asks for are written as finished ones."""

import importlib.util
import math
from pathlib import Path

import pytest

from ganlab.config.reader import read_yaml
from ganlab.errors import ConfigError
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
        search.tell(trained(results, configs))
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
    search.tell([*trained(tmp_path, [first], status="diverged"), *trained(tmp_path, [second])])
    assert [trial.score for trial in search.trials] == [None, score_of(second)] and search.best().number == 2
    alone = open_search(write(tmp_path, trials=1))
    (config,) = alone.ask()
    alone.tell([Job(config, "c", "i", 60, tmp_path / "never-started")])
    assert alone.result() == "1 trial; none has a value of fd1k_classifier"


def test_two_trials_of_one_run_share_its_score(tmp_path):
    search = open_search(write(tmp_path, trials=2, batch=2))
    first, _ = search.ask()
    (job,) = trained(tmp_path, [first])
    search.tell([Job(job.config, "c", "i", 60, job.folder, also_named=("tiny-trial2-seed0",))])
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
    search.tell(jobs)
    assert search.best().number == 2 and search.best().score == 3.0


SPACE = "search.space['latent.dim']"
ENDS = "expected [low, high] with low < high"
FORMS = "expected a list of choices, {range: [low, high]} or {log_range: [low, high]}"
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
