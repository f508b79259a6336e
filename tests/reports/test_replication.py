import csv
import io
import json
import re
import shutil

import pytest

from ganlab.reports.formats import render, report_tables
from ganlab.reports.replication_tables import replication_tables
from ganlab.reports.report import build_report
from tests.run_folders import metric, write_run
from tests.studies import LAYOUT, PUBLISHED, complete_config, write_study


@pytest.fixture
def results(tmp_path):
    """Three experiments of a study on digits: their order by fd1k is 2, 3, 1, as published; exp04 was never run."""
    write_study(tmp_path / "studies")
    for name, value, seeds in (("exp01", 30.0, 2), ("exp02", 10.0, 1), ("exp03", 20.0, 1)):
        for seed in range(seeds):
            metrics = {"fd1k": metric(value + seed, floor=0.5), "is1k": metric(9.0 - value / 10)}
            run = write_run(tmp_path / "results", name, seed=seed, metrics=metrics)
            complete_config(run, "LeakyReLU" if name == "exp01" else "ReLU")
    return tmp_path / "results"


def report_of(results, **options):
    return build_report((), results=results, studies=results.parent / "studies", **options)


def tables_of(results, **options):
    return replication_tables(report_of(results, **options), "digits")


def rows_of(table):
    heads = [column.name for column in table.columns]
    return [dict(zip(heads, row, strict=True)) for row in [*table.rows, *table.footer]]


def scores_of(results, **options):
    return rows_of(tables_of(results, **options)[-1])


def test_the_tables_of_the_paper_have_all_its_experiments(results):
    tables = tables_of(results)
    assert [table.title for table in tables] == [
        "paper, digits, Table 1: experiments",
        "paper, digits, Table 2: generators",
        "paper, digits, Table 3: scores",
    ]
    assert [row["experiment"] for row in rows_of(tables[0])] == ["exp01", "exp02", "exp03", "exp04"]


def test_what_was_trained_otherwise_is_told_beside_what_was_published(results):
    first, second, scores = tables_of(results)
    assert [row["epochs"] for row in rows_of(first)] == ["1500", "1500", "1500 (published 4000)", "4000"]
    assert [row["derived from"] for row in rows_of(first)][:2] == ["DCGAN (published GAN)", "DCGAN"]
    assert [row["activation"] for row in rows_of(second)] == ["leaky_relu", "relu", "relu (published -)", "relu"]
    told = "exp03 differs from the published experiment: derived_from DCGAN, not LSGAN; epochs 1500, not 4000;"
    assert any(note.startswith(told) for note in scores.notes)


def test_the_published_score_is_a_column_of_its_own_with_both_ranks(results):
    first, second, third, _, floor, correlation = scores_of(results)
    assert (first["published fid"], first["published rank"]) == ("3.5", "3")
    assert (first["n"], first["fd1k last"], first["fd1k last rank"]) == ("2", "30.50 ± 0.71", "3")
    assert (second["fd1k last"], second["fd1k last rank"], second["fd1k best rank"]) == ("10.00", "1", "1")
    assert [row["is1k last rank"] for row in (first, second, third)] == ["3", "1", "2"]
    assert (floor["experiment"], floor["fd1k last"], floor["published fid"]) == ("floor (real data)", "0.5000", "")
    assert correlation["fd1k last"] == "1.00 (n = 3)"


def test_scores_of_another_name_are_ranked_as_the_study_says(results):
    for told, rank in (("lower", "3"), ("higher", "2")):
        layout = LAYOUT.replace("score: fid", f"score: swd\nbetter: {told}")
        shutil.rmtree(results.parent / "studies")
        write_study(results.parent / "studies", published=PUBLISHED.replace("fid", "swd", 1), layout=layout)
        assert scores_of(results)[0]["published rank"] == rank


def test_an_order_against_the_published_one_correlates_negatively(results):
    run = write_run(results, "exp04", metrics={"fd1k": metric(1.0)})
    complete_config(run)
    # published: 3, 1, 2, 4; ours: 4, 2, 3, 1; rho = 1 - 6 (1 + 1 + 1 + 9) / (4 * 15)
    assert scores_of(results)[-1]["fd1k last"] == "-0.20 (n = 4)"


def test_experiments_that_are_not_done_say_so(results):
    write_run(results, "exp02", seed=1, status="running", with_summary=False)
    write_run(results, "exp04", status="diverged", verdict="diverged")
    rows = scores_of(results)
    assert [row["status"] for row in rows[:4]] == [
        "2 finished",
        "incomplete: 1 finished, 1 running",
        "finished",
        "incomplete: diverged",
    ]
    assert (rows[3]["n"], rows[3]["fd1k last"], rows[3]["fd1k last rank"]) == ("0", "", "")


def test_an_experiment_nobody_ran_has_its_published_score_and_no_other(results):
    fourth = scores_of(results)[3]
    values = {key: text for key, text in fourth.items() if text}
    assert values.pop("derived from") == "WGAN"
    assert values == {
        "experiment": "exp04",
        "published fid": "9.0",
        "published rank": "4",
        "n": "0",
        "status": "no run",
    }


def test_protocols_stay_apart_and_the_metric_asked_for_stands_alone(results):
    run = write_run(results, "exp04", metrics={"fd1k": metric(1.0, fingerprint="other")})
    complete_config(run)
    head = scores_of(results)[0]
    assert {"fd1k [f00d] last", "fd1k [other] last"} <= head.keys()
    assert {key for key in scores_of(results, metrics=["is1k"])[0] if "1k" in key} == {
        f"is1k {part}" for part in ("last", "last rank", "best", "best rank")
    }


def test_a_published_verdict_stands_beside_ours(results, tmp_path):
    assert "published verdict" not in scores_of(results)[0]
    text = PUBLISHED.replace("fid\n", "fid,published_verdict\n").replace("3.5\n", "3.5,collapsed\n")
    (tmp_path / "studies/paper/published.csv").write_text(re.sub(r"(\d)$", r"\1,", text, flags=re.M))
    first, second, *_ = scores_of(results)
    assert (first["published verdict"], first["verdict"]) == ("collapsed", "2 ok")
    assert (second["published verdict"], second["verdict"]) == ("-", "ok")
    cells = json.loads(render(report_of(results), "json"))["cells"]
    assert [cell["published"]["paper"].get("verdict") for cell in cells] == ["collapsed", None, None]


def test_of_two_cells_of_one_experiment_the_nearer_one_is_ranked(results):
    run = write_run(results, "exp01", config={"batch_size": 64}, metrics={"fd1k": metric(1.0)})
    complete_config(run, "ReLU")
    ranks = {row["n"]: row["fd1k last rank"] for row in scores_of(results) if row["experiment"] == "exp01"}
    assert ranks == {"2": "3", "1": ""}


def test_a_config_that_cannot_be_read_is_told_and_hides_nothing(results):
    write_run(results, "exp04", metrics={"fd1k": metric(1.0)})
    scores = tables_of(results)[-1]
    assert any(note.startswith("exp04 was not compared with the published experiment: ") for note in scores.notes)
    assert rows_of(scores)[3]["fd1k last"] == "1.000"


def test_the_tables_of_papers_need_a_data_set_and_a_known_name(results, tmp_path):
    write_run(results, "exp11", dataset="digits8")
    assert [table.title for table in report_tables(report_of(results))] == ["digits", "digits8"]
    assert len(report_tables(report_of(results, dataset="digits"))) == 4
    assert [table.title for table in report_tables(report_of(results, dataset="digits8"))] == ["digits8"]


def test_json_has_what_was_published(results):
    document = json.loads(render(report_of(results), "json"))
    study = document["published"]["paper"]["digits"]
    assert study["experiments"] == {"exp01": 3.5, "exp02": 1.5, "exp03": 2.5, "exp04": 9.0}
    assert study["agreement"]["fd1k"]["last"] == {"spearman": 1.0, "n": 3}
    cell = document["cells"][0]["published"]["paper"]
    assert (cell["name"], cell["fid"], cell["rank"]) == ("exp01", 3.5, 3)
    assert cell["ranks"]["is1k"] == {"last": 3, "best": 3}
    assert cell["differences"]["derived_from"] == {"ours": "DCGAN", "published": "GAN"}


def test_json_of_runs_no_study_knows_has_no_published_key(results):
    write_run(results, "mine")
    mine = json.loads(render(report_of(results), "json"))["cells"][-1]
    assert mine["name"] == "mine" and "published" not in mine


def test_runs_are_compared_once_for_all_formats(results):
    report = report_of(results)
    differences = json.loads(render(report, "json"))["cells"][2]["published"]["paper"]["differences"]
    for config in results.glob("*/*/config.yaml"):
        config.unlink()
    row = list(csv.DictReader(io.StringIO(render(report, "csv"))))[2]
    told = {name: value for name, value in row.items() if name.startswith("paper_differences_")}
    assert differences
    assert {name for name, value in told.items() if value} == {
        f"paper_differences_{column}_{side}" for column, sides in differences.items() for side in sides if sides[side]
    }


def test_csv_has_the_published_score_beside_ours(results):
    write_run(results, "mine")
    rows = list(csv.DictReader(io.StringIO(render(report_of(results), "csv"))))
    assert [row["paper_fid"] for row in rows] == ["3.5", "1.5", "2.5", ""]
    assert (rows[2]["paper_differences_epochs_ours"], rows[2]["paper_differences_epochs_published"]) == ("1500", "4000")
    assert rows[3]["paper_differences_epochs_ours"] == "" and rows[2]["paper_rank"] == "2.0"
