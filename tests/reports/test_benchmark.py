"""A benchmark of optimizers from run folders: what a problem is, which setting is the best, what the pictures show."""

import json

import pytest

from ganlab.errors import ConfigError
from ganlab.reports.benchmark import benchmark_tables, draw_benchmark, problems_of, render_benchmark
from ganlab.reports.report import build_report
from tests.run_folders import metric, write_run

ADAM, SLOW_ADAM = "{Adam: {learning_rate: 1e-3}}", "{Adam: {learning_rate: 1e-4}}"
SGD, MOMENTUM = "{SGD: {learning_rate: 1e-2}}", "{SGD: {learning_rate: 1e-2, momentum: 0.9}}"
NESTEROV = "{SGD: {learning_rate: 1e-2, momentum: 0.9, nesterov: true}}"


@pytest.fixture
def train(tmp_path):
    """Writes the run of a setting, seed after seed, and gives its folder."""

    def trained(scores, generator, discriminator=None, name="cell", **more):
        for seed, score in enumerate(scores):
            options = {
                "config": {"optimizers": f"{generator}{discriminator}"},
                "metrics": {"fd1k": metric(score)},
            } | more
            run = write_run(tmp_path / "results", name, seed=seed, **options)
            text = (run / "config.yaml").read_text().replace(ADAM, generator)
            text += f"discriminator: {{optimizer: {discriminator or generator}}}\n"
            (run / "config.yaml").write_text(text)
        return run

    return trained


@pytest.fixture
def problems(tmp_path):
    return lambda *names: problems_of(
        build_report((), results=tmp_path / "results"), names or ("cell",), "experiments/study"
    )


def test_the_best_setting_of_an_optimizer_has_the_best_mean_over_seeds(train, problems):
    train([5.0, 15.0], ADAM)
    train([11.0, 11.0], SLOW_ADAM)  # one seed of the other setting is better, and its mean is better too
    train([40.0], SGD)
    train([30.0], MOMENTUM)
    train([20.0], NESTEROV)
    (problem,) = problems()
    assert {name: best.score.mean for name, best in problem.best.items()} == {
        "SGD": 40.0,
        "momentum": 30.0,
        "Adam": 10.0,
        "Nesterov": 20.0,
    }
    overview, table = benchmark_tables([problem])
    assert overview.rows == [["digits", "fd1k", "40.00 (1)", "30.00 (1)", "10.00 ± 7.07 (2)", "20.00 (1)"]]
    adam, nesterov = table.rows[2:]
    assert adam[:6] == ["Adam", "learning_rate 0.001", "10.00 ± 7.07", "2", "0", "2"]
    assert nesterov[:5] == ["Nesterov", "learning_rate 0.01, momentum 0.9, nesterov true", "20.00", "1", "10.00"]


def test_a_score_that_rises_has_its_best_setting_at_the_top(train, problems):
    train([5.0], ADAM, metrics={"is1k": metric(5.0)})
    train([6.0], SLOW_ADAM, metrics={"is1k": metric(6.0)})
    assert problems()[0].best["Adam"].score.mean == 6.0


def test_runs_of_other_lengths_data_and_studies_do_not_meet(train, problems):
    train([10.0], ADAM)
    train([1.0], SGD, steps=9)
    train([2.0], SGD, dataset="mnist")
    train([3.0], SGD, name="of another study")
    assert {problem.title: [*problem.best] for problem in problems()} == {
        "digits, steps 1500": ["Adam"],
        "digits, steps 9": ["SGD"],
        "mnist, steps 1500": ["SGD"],
    }


def test_runs_on_the_same_images_with_other_labels_do_not_meet(train, problems):
    for optimizer, labels in ((ADAM, "aa"), (SGD, "bb")):
        status = train([10.0], optimizer) / "status.json"
        status.write_text(json.dumps(json.loads(status.read_text()) | {"label_fingerprint": labels}))
    assert sorted([*problem.best] for problem in problems()) == [["Adam"], ["SGD"]]


def test_networks_may_have_different_optimizers(train, problems):
    train([10.0], ADAM, SGD)
    ((name, (setting,)),) = problems()[0].optimizers.items()
    assert (name, setting.arguments, setting.rate) == ("Adam / SGD", "learning_rate 0.001 / learning_rate 0.01", None)


def test_collapsed_and_diverged_runs_are_counted_over_all_settings(train, problems):
    train([10.0, 11.0], ADAM, verdict="collapsed")
    train([12.0], SLOW_ADAM)
    train([1.0], SGD, status="diverged", verdict="diverged", metrics={})
    (problem,) = problems()
    rows = {row[0]: row for row in benchmark_tables([problem])[1].rows}
    assert rows["Adam"][6:9] == ["2 of 3", "0 of 3", "0 of 3"]
    assert rows["SGD"][1:4] == ["", "", ""] and rows["SGD"][6:9] == ["0 of 1", "0 of 1", "1 of 1"]
    assert "SGD" not in problem.best


def test_runs_that_a_verdict_of_stop_on_ended_are_counted(train, problems):
    def run(optimizer, verdict="", summary=False):
        folder = train([1.0], optimizer, status="finished" if summary else "failed", with_summary=summary)
        config = (folder / "config.yaml").read_text()
        stop_on = "batch_size: 32, stop_on: [diverged, collapsed]"
        (folder / "config.yaml").write_text(config.replace("batch_size: 32", stop_on))
        health = {"health": {"step": 300, "verdict": verdict}}
        (folder / "status.json").write_text(json.dumps(json.loads((folder / "status.json").read_text()) | health))

    run(ADAM, summary=True)
    run(SGD, "collapsed")
    run(MOMENTUM, "not_converged")  # a full disk, for instance, ended it
    run(NESTEROV)
    (problem,) = problems()
    shares = {name: settings[0].share("collapsed") for name, settings in problem.optimizers.items()}
    assert shares == {"SGD": (1, 1), "momentum": (0, 0), "Adam": (0, 1), "Nesterov": (0, 0)}


def test_csv_has_every_setting_in_a_row_and_latex_the_problems(train, problems):
    train([10.0, 12.0], ADAM)
    train([30.0], SLOW_ADAM)
    found = problems()
    assert render_benchmark(found, "csv").splitlines() == [
        "problem,metric,optimizer,arguments,learning_rate,best,n,mean,sd,runs,collapsed,not_converged,diverged",
        "digits,fd1k,Adam,learning_rate 0.001,0.001,1,2,11.0,1.4142135623730951,2,0,0,0",
        "digits,fd1k,Adam,learning_rate 0.0001,0.0001,0,1,30.0,,1,0,0,0",
    ]
    assert r"digits & fd1k & 11.00 $\pm$ 1.41 (2) \\" in render_benchmark(found, "latex")


def test_pictures_show_the_score_over_steps_and_over_learning_rates(train, problems, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        "ganlab.pictures.curves.write_curves", lambda path, curves, *_, **__: drawn.update({path.name: curves})
    )
    run = train([10.0], ADAM)
    train([30.0], SLOW_ADAM)
    train([20.0], SGD)
    assert (
        [figure.path.name for figure in draw_benchmark(problems(), tmp_path)]
        == [*drawn]
        == ["digits-learning-rates.png"]
    )
    curves = drawn["digits-learning-rates.png"]
    assert {rate: point.mean for rate, point in curves["Adam"].items()} == {1e-4: 30.0, 1e-3: 10.0}
    lines = [
        {"step": step, "name": name, "value": 9.0 + step, "fingerprint": "f00d"}
        for step in (2, 1)
        for name in ("fd1k", "is1k")
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    [*draw_benchmark(problems(), tmp_path)]
    assert {step: point.mean for step, point in drawn["digits-scores.png"]["Adam"].items()} == {1: 10.0, 2: 11.0}


def test_a_study_without_runs_and_runs_without_a_metric_are_told(train, problems):
    train([10.0], ADAM, metrics={})
    with pytest.raises(ConfigError) as caught:
        problems("a", "b")
    assert str(caught.value) == "--benchmark experiments/study: no run here has the name of one of its 2 configs"
    with pytest.raises(ConfigError) as caught:
        problems()
    assert str(caught.value) == "--benchmark experiments/study: its runs have no metric yet"
