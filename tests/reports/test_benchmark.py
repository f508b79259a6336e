"""A benchmark of optimizers from run folders: what a problem is, which setting is the best, what pictures and page show."""

import json
import re
from pathlib import Path

import pytest

from ganlab.config.loading import dump_config, load_config
from ganlab.errors import ConfigError
from ganlab.reports.benchmark import benchmark_tables, draw_benchmark, problems_of, render_benchmark
from ganlab.reports.formats import benchmark_page
from ganlab.reports.report import build_report
from tests.browser import browser
from tests.reports.test_figures import trained as with_pictures
from tests.run_folders import metric, write_run

ADAM, SLOW_ADAM = "{Adam: {learning_rate: 1e-3}}", "{Adam: {learning_rate: 1e-4}}"
SGD, MOMENTUM = "{SGD: {learning_rate: 1e-2}}", "{SGD: {learning_rate: 1e-2, momentum: 0.9}}"
NESTEROV = "{SGD: {learning_rate: 1e-2, momentum: 0.9, nesterov: true}}"
TITLES = ("Best setting of each optimizer", "Sensitivity to the learning rate")


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


def measured(run, *steps):
    """Gives a run two metrics at each step."""
    lines = [
        {"step": step, "name": name, "value": 9.0 + step, "fingerprint": "f00d"}
        for step in steps
        for name in ("fd1k", "is1k")
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def report(tmp_path):
    return lambda: build_report((), results=tmp_path / "results", studies=tmp_path / "studies")


@pytest.fixture
def problems(report):
    return lambda *names: problems_of(report(), names or ("cell",), "experiments/study")


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


def test_a_config_of_an_earlier_version_that_lacks_a_new_key_is_of_the_same_problem(train, problems):
    whole = dump_config(load_config(Path(__file__).parents[2] / "configs" / "quickstart.yaml"))
    earlier = whole.replace(", split: train", "").replace("0.001", "0.002")
    assert "split" in whole and "split" not in earlier and earlier.count("0.002") == 2
    for adam, text in ((ADAM, whole), (SLOW_ADAM, earlier)):
        (train([10.0], adam) / "config.yaml").write_text(text)
    (problem,) = problems()
    assert {setting.rate for setting in problem.settings} == {0.001, 0.002}


def test_csv_has_every_setting_in_a_row_and_latex_the_problems(train, problems, report):
    train([10.0, 12.0], ADAM)
    train([30.0], SLOW_ADAM)
    found = problems()
    assert render_benchmark(report(), found, "csv").splitlines() == [
        "problem,metric,optimizer,arguments,learning_rate,best,n,mean,sd,seconds,runs,collapsed,not_converged,diverged",
        "digits,fd1k,Adam,learning_rate 0.001,0.001,1,2,11.0,1.4142135623730951,61.5,2,0,0,0",
        "digits,fd1k,Adam,learning_rate 0.0001,0.0001,0,1,30.0,,61.5,1,0,0,0",
    ]
    assert r"digits & fd1k & 11.00 $\pm$ 1.41 (2) \\" in render_benchmark(report(), found, "latex")


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
    measured(run, 2, 1)
    [*draw_benchmark(problems(), tmp_path)]
    assert {step: point.mean for step, point in drawn["digits-scores.png"]["Adam"].items()} == {1: 10.0, 2: 11.0}


def test_problems_on_other_images_have_titles_and_files_of_their_own(train, problems, tmp_path):
    for data in ("aaaa1111", "bbbb2222"):
        measured(train([10.0], ADAM, name=data, data=data), 1, 2)
    found = [*draw_benchmark(problems("aaaa1111", "bbbb2222"), tmp_path / "figures")]
    assert [figure.problem for figure in found] == ["", ""]
    names = ["digits_data_aaaa1111_-scores.png", "digits_data_bbbb2222_-scores.png"]
    assert [figure.path.name for figure in found] == names and all(figure.path.is_file() for figure in found)


def test_a_curve_has_the_values_of_one_extractor_alone(train, problems, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr("ganlab.pictures.curves.write_curves", lambda path, curves, *_, **__: drawn.update(curves))
    run = train([10.0], ADAM, metrics={"fd1k": metric(10.0, weight_hash="b", real_data=None)})
    values = [
        {"step": 1, "weight_hash": "a"},
        {"step": 2, "weight_hash": "b"},
        {"step": 3},
        {"step": 4, "real_data": "c"},
    ]
    lines = [{"name": "fd1k", "value": 5.0, "fingerprint": "f00d"} | value for value in values]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    [*draw_benchmark(problems(), tmp_path)]
    assert list(drawn["Adam"]) == [2, 3]  # earlier versions wrote no weight_hash


def test_a_study_without_runs_and_runs_without_a_metric_are_told(train, problems):
    train([10.0], ADAM, metrics={})
    with pytest.raises(ConfigError) as caught:
        problems("a", "b")
    assert str(caught.value) == "--benchmark experiments/study: no run here has the name of one of its 2 configs"
    with pytest.raises(ConfigError) as caught:
        problems()
    assert str(caught.value) == "--benchmark experiments/study: its runs have no metric yet"


def test_a_run_with_damaged_values_is_named_and_hides_no_other(train, problems, report, tmp_path):
    measured(train([10.0], ADAM), 1, 2)
    damaged = train([20.0], SGD) / "metrics.jsonl"
    damaged.write_text("{}\n")
    told = f"{damaged}: damaged: line 1 is no metric value"
    (figure,) = draw_benchmark(problems(), tmp_path / "figures")
    assert (figure.problem, figure.path.is_file()) == (told, True)
    (picture,) = re.findall("<figure.*?</figure>", render_benchmark(report(), problems(), "html"), re.S)
    assert told in picture and "data:image/png" in picture
    damaged.unlink()
    damaged.mkdir()
    (figure,) = draw_benchmark(problems(), tmp_path / "figures")
    assert figure.problem == f"{damaged}: cannot be read: Is a directory"


class TestThePage:
    """On digits a tuned Adam, a collapsed SGD and a diverged momentum; on mnist Adam alone, without pictures."""

    @pytest.fixture
    def page(self, train, problems, report, tmp_path):
        for score, optimizer, verdict in ((10.0, ADAM, "ok"), (30.0, SLOW_ADAM, "ok"), (20.0, SGD, "collapsed")):
            run = with_pictures(train([score], optimizer, verdict=verdict))
            measured(run, 1, 2)
            (run / "models").mkdir()
            (run / "models" / "generator.txt").write_text(f"Networks of {optimizer}")
        train([1.0], MOMENTUM, status="diverged", verdict="diverged", metrics={})
        train([5.0], ADAM, dataset="mnist")
        path = tmp_path / "bench.html"
        path.write_text(render_benchmark(report(), problems(), "html"))
        return path

    def test_a_problem_has_its_table_pictures_best_settings_and_environments(self, page):
        written = page.read_text()
        assert re.findall("<h[123]>(.*?)</h", written) == [
            "ganlab report: benchmark of optimizers",
            "Problems and optimizers",
            *("digits", "digits, fd1k", "Where the runs come from", "Scores", "Experiments"),
            *("mnist", "mnist, fd1k", "Where the runs come from", "Experiments"),
        ]
        assert re.findall('<p class="pale">(.*? runs? .*?)</p>', written) == [
            *("5 runs of 5 settings", "4 runs of 4 settings", "1 run of 1 setting")
        ]
        assert re.findall('<img src="data:image/png;base64,[^"]{99,}" alt="(.*?)">', written) == [
            *(f"{title}, digits" for title in TITLES),
            "cell on digits, seed 0",
            "cell on digits, seed 0",
        ]

    def test_the_experiments_are_those_of_the_best_settings(self, page):
        articles = re.findall("<article.*?</article>", page.read_text(), re.S)
        assert [re.search('class="notes">(.*?)<', article)[1] for article in articles] == [
            *("SGD, learning_rate 0.01", "Adam, learning_rate 0.001", "Adam, learning_rate 0.001")
        ]
        for article, optimizer in zip(articles, (SGD, ADAM), strict=False):
            assert f"Networks of {optimizer}" in article and f"discriminator: {{optimizer: {optimizer}}}" in article
        assert "Networks of" not in articles[2]

    def test_names_lead_to_problems_and_experiments_and_filters_hide_them(self, page, tmp_path):
        names = "[...document.querySelectorAll('tbody tr:not([hidden]) td:first-child')].map(cell => cell.textContent)"
        with browser(tmp_path / "profile") as tab:
            tab.open(page)
            assert tab(names) == ["digits", "mnist", *("SGD", "momentum", "Adam", "4"), *("Adam", "1")]
            targets = tab(
                "[...document.querySelectorAll('tbody a')].map(a => document.getElementById("
                "decodeURIComponent(a.hash.slice(1)))).map(e => e.querySelector('h2, .notes').textContent)"
            )
            best = "Adam, learning_rate 0.001"
            assert targets == ["digits", "mnist", "SGD, learning_rate 0.01", best, best]
            tab("document.querySelector('input[value=momentum]').click()")
            tab("document.querySelector('input[value=collapsed]').click()")
            assert tab(names) == ["digits", "mnist", "Adam", "4", "Adam", "1"]
            assert tab("document.querySelector('output').value") == "2 of 3 experiments"
            tab("document.querySelector('input[value=mnist]').click()")
            assert tab(names)[0] == "digits" and tab("document.querySelectorAll('section')[2].hidden")

    def test_pictures_beyond_the_limit_are_left_out_and_the_page_says_so(self, page, problems, report):
        written = benchmark_page.render(report(), problems(), most_bytes=0)
        assert "<img" not in written and "Further pictures would make this page too large" in written
        assert "Further pictures" not in page.read_text()


def test_problems_of_one_title_have_their_own_pictures_on_the_page(train, problems, report):
    for labels, score in (("aa", 1.0), ("bb", 50.0)):
        for number, optimizer in enumerate((ADAM, SLOW_ADAM)):
            run = train([score + number], optimizer, name=labels)
            measured(run, 1, 2)
            status = run / "status.json"
            status.write_text(json.dumps(json.loads(status.read_text()) | {"label_fingerprint": labels}))
    for damaged in run.parent.glob("bb-*/metrics.jsonl"):
        damaged.write_text("{}\n")
    written = render_benchmark(report(), problems("aa", "bb"), "html")
    first, second = re.findall('<section id="problem-.*?</section>', written, re.S)
    assert "<h2>digits (labels aa)</h2>" in first and "<h2>digits (labels bb)</h2>" in second
    steps, sensitivity = (f'<img src="(.*?)" alt="{title}, digits .labels ...">' for title in TITLES)
    assert re.search(steps, first) and not re.search(steps, second)
    assert second.count("damaged: line 1 is no metric value") == 1  # the best setting's file alone is read
    assert re.search(sensitivity, first)[1] != re.search(sensitivity, second)[1]
