import pytest

from ganlab.cli.report import FORMATS
from ganlab.errors import ConfigError
from ganlab.reports.comparison import comparison_tables
from ganlab.reports.formats import render
from ganlab.reports.report import build_report
from tests.run_folders import metric, write_run


def rows_of(results, paths=(), **options):
    """The only table's rows as mappings from heading to text."""
    (table,) = comparison_tables(build_report(paths, results=results, **options))
    return [
        dict(zip([column.name for column in table.columns], row, strict=True)) for row in [*table.rows, *table.footer]
    ]


def notes_of(results):
    (table,) = comparison_tables(build_report((), results=results))
    return " ".join(table.notes)


def test_a_row_says_what_was_trained_how_and_what_came_out(tmp_path):
    for seed, value in enumerate([10.0, 14.0]):
        write_run(tmp_path, seed=seed, metrics={"fd1k": metric(value, best=9.0, best_step=100 + seed, floor=0.7)})
    row, floor = rows_of(tmp_path)
    assert row == {
        "name": "quickstart",
        "n": "2",
        "fd1k last": "12.00 ± 2.83",
        "fd1k best": "9.000 ± 0.000 (step 100 to 101)",
        "seconds": "61.50",
        "images/s": "780.5",
        "status": "2 finished",
        "verdict": "2 ok",
    }
    assert floor["name"] == "floor (real data)"
    assert (floor["fd1k last"], floor["fd1k best"]) == ("0.7000", "0.7000")


def test_data_that_are_not_what_their_name_promises_are_noted_once(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path, seed=seed, data_note="not known to be the published digits")
    write_run(tmp_path, "other", data_note=None)
    assert notes_of(tmp_path).count("digits: not known to be the published digits.") == 1


def test_settings_that_differ_have_a_column_and_the_others_stand_above(tmp_path):
    write_run(tmp_path, "exp01", written="loss: minimax\nlabels: none\n", config={"loss": "minimax"})
    write_run(
        tmp_path, "exp02", written="loss: hinge\nlabels: none\n", config={"loss": "hinge"}, device="gpu", units=128
    )
    rows = rows_of(tmp_path)
    assert [row["loss"] for row in rows] == ["minimax", "hinge", ""]
    assert [row["device"] for row in rows] == ["cpu", "gpu", ""]
    assert [row["units"] for row in rows] == ["64", "128", ""]
    assert list(rows[0])[:5] == ["name", "units", "loss", "device", "n"]
    (table,) = comparison_tables(build_report((), results=tmp_path))
    assert table.intro == (
        "family DCGAN, steps 1500, backend tensorflow, latent_dim 64, batch_size 32, discriminator_steps 1, "
        "generator_optimizer Adam(learning_rate=0.001)"
    )


def test_runs_that_did_not_finish_are_shown_and_in_no_mean(tmp_path):
    write_run(tmp_path)
    write_run(tmp_path, seed=1, status="diverged", verdict="diverged", metrics={"fd1k_classifier": metric(9e9)})
    write_run(tmp_path, "other", status="running", family="WGAN", with_summary=False)
    quickstart, other, _ = sorted(rows_of(tmp_path), key=lambda row: row["name"] != "quickstart")[:3]
    assert quickstart["fd1k_classifier last"] == "12.50"
    assert (quickstart["n"], quickstart["status"]) == ("1", "1 finished, 1 diverged")
    assert quickstart["verdict"] == "1 ok, 1 diverged"
    assert (other["family"], other["n"], other["status"]) == ("WGAN", "0", "running")
    assert "2 of 3 runs are unfinished, failed or repeated, and enter no mean." in notes_of(tmp_path)


def test_protocols_never_share_a_column(tmp_path):
    write_run(tmp_path, "exp01", metrics={"fd1k": metric(1.0, fingerprint="aa")})
    write_run(tmp_path, "exp02", metrics={"fd1k": metric(2.0, fingerprint="bb")})
    first, second, _ = rows_of(tmp_path)
    assert (first["fd1k [aa] last"], first["fd1k [bb] last"]) == ("1.000", "")
    assert (second["fd1k [aa] last"], second["fd1k [bb] last"]) == ("", "2.000")


def test_best_has_a_column_only_where_it_differs_from_last(tmp_path):
    write_run(tmp_path, "exp01", metrics={"fd1k": metric(2.0), "is1k": metric(9.0)})
    write_run(tmp_path, "exp02", metrics={"fd1k": metric(2.0, best=1.0, best_step=500), "is1k": metric(9.0)})
    first, second, _ = rows_of(tmp_path)
    assert "is1k best" not in first
    assert (first["fd1k best"], second["fd1k best"]) == ("2.000 (step 1500)", "1.000 (step 500)")


def test_a_run_in_training_tells_how_far_it_is(tmp_path):
    write_run(tmp_path)
    run = write_run(tmp_path, seed=1, status="running", with_summary=False)
    (run / "history.csv").write_text("step,d_loss,g_loss,seconds\n1,0.5,0.7,0.25\n2,0.4,0.9,0.25\n")
    write_run(tmp_path, seed=2, status="failed", with_summary=False)
    assert (
        "quickstart-seed1 is running: step 2 of 1500, 4.000 steps/s, d_loss 0.4000, g_loss 0.9000, 6 min 14 s left."
        in (notes_of(tmp_path))
    )
    assert "seed2" not in notes_of(tmp_path)


def test_a_floor_of_fewer_samples_says_how_many(tmp_path):
    metrics = {"fd1k": metric(1.0, floor=0.9, floor_n=898), "is1k": metric(9.0, floor=9.5, floor_n=1000)}
    write_run(tmp_path, metrics=metrics)
    floor = rows_of(tmp_path)[-1]
    assert (floor["fd1k last"], floor["is1k last"]) == ("0.9000 (N = 898)", "9.500")


def test_a_value_some_seeds_lack_says_its_own_n(tmp_path):
    write_run(tmp_path, metrics={"fd1k": metric(1.0)})
    write_run(tmp_path, seed=1, metrics={"fd1k": metric(None, best_step=None)})
    assert rows_of(tmp_path)[0]["fd1k last"] == "1.000 (n = 1)"


def test_values_that_were_never_computed_are_empty(tmp_path):
    write_run(tmp_path, metrics={"fd1k": metric(None, best_step=None, floor=None)}, images_per_second=None)
    row, floor = rows_of(tmp_path)
    assert (row["fd1k last"], row["images/s"], floor["fd1k last"]) == ("", "", "") and "fd1k best" not in row


def test_runs_without_metrics_have_no_floor_row(tmp_path):
    write_run(tmp_path, metrics={})
    assert [row["name"] for row in rows_of(tmp_path)] == ["quickstart"]


@pytest.mark.parametrize(
    ("metric_name", "order"),
    [
        ("fd1k", ["low", "middle", "high", "none"]),
        ("is1k", ["high", "middle", "low", "none"]),
    ],
)
def test_the_metric_asked_for_is_shown_alone_and_sorts_the_best_first(tmp_path, metric_name, order):
    for name, value in {"middle": 2.0, "high": 3.0, "low": 1.0}.items():
        write_run(tmp_path, name, metrics={"fd1k": metric(value), "is1k": metric(value)})
    write_run(tmp_path, "none", metrics={})
    rows = rows_of(tmp_path, metrics=[metric_name])[:-1]
    assert [row["name"] for row in rows] == order
    assert {key for key in rows[0] if "1k" in key} == {f"{metric_name} last"}


def test_each_data_set_has_its_table(tmp_path):
    write_run(tmp_path, dataset="mnist")
    write_run(tmp_path, dataset="digits")
    tables = comparison_tables(build_report((), results=tmp_path))
    assert [table.title for table in tables] == ["digits", "mnist"]
    (only,) = comparison_tables(build_report((), results=tmp_path, dataset="mnist"))
    assert only.title == "mnist"


def test_runs_on_other_images_are_ranked_in_a_table_of_their_own_with_its_floor(tmp_path):
    for name, value, data in (("a", 3.0, "1" * 64), ("b", 1.0, "2" * 64), ("c", 2.0, "1" * 64), ("d", 9.0, "2" * 64)):
        floor = 0.1 if data[0] == "1" else 0.7
        write_run(tmp_path, name, dataset="folder", data=data, metrics={"fd1k": metric(value, floor=floor)})
    tables = comparison_tables(build_report((), results=tmp_path, metrics=["fd1k"]))
    assert {table.title: [row[0] for row in table.rows] for table in tables} == {
        "folder (data 11111111)": ["c", "a"],
        "folder (data 22222222)": ["b", "d"],
    }
    assert [table.footer[0][2] for table in tables] == ["0.1000", "0.7000"]
    assert all([column.name for column in table.columns][2:4] == ["fd1k last", "status"] for table in tables)


def test_values_of_two_classifiers_stand_in_two_columns(tmp_path):
    write_run(tmp_path, "exp01", metrics={"fd1k": metric(3.0, weight_hash="ab" * 32)})
    write_run(tmp_path, "exp02", metrics={"fd1k": metric(4.0, weight_hash="cd" * 32)})
    first, second, _ = rows_of(tmp_path)
    assert (first["fd1k [weights abababab] last"], first["fd1k [weights cdcdcdcd] last"]) == ("3.000", "")
    assert (second["fd1k [weights abababab] last"], second["fd1k [weights cdcdcdcd] last"]) == ("", "4.000")


def test_paths_may_be_a_run_a_data_set_or_all_results(tmp_path):
    folder = write_run(tmp_path, "exp01", dataset="mnist")
    write_run(tmp_path, "exp02", dataset="mnist")
    write_run(tmp_path, "exp03", dataset="digits")
    names = {
        path: [run.name for run in build_report([path], results=tmp_path / "unused").runs]
        for path in (folder, folder.parent, tmp_path)
    }
    assert names == {
        folder: ["exp01"],
        folder.parent: ["exp01", "exp02"],
        tmp_path: ["exp03", "exp01", "exp02"],
    }
    assert len(build_report([folder, folder.parent], results=tmp_path).runs) == 2


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        (["nowhere"], {}, "nowhere: no such folder; expected a run folder or a folder of run folders"),
        (["digits/empty"], {}, "digits/empty: no run folders here; 'ganlab run CONFIG' makes one"),
        ([], {"dataset": "digit"}, "--dataset digit: no run here is on this data set. Did you mean 'digits'?"),
        ([], {"metrics": ["fid5k"]}, "--metric fid5k: no run here has this metric."),
    ],
)
def test_what_is_not_there_is_one_line(tmp_path, monkeypatch, paths, options, message):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path)
    (tmp_path / "digits" / "empty").mkdir()
    with pytest.raises(ConfigError) as caught:
        build_report(paths, results=tmp_path, **options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("summary.json", '"last": 12.5', f'"last": {"9" * 400}'),
        ("summary.json", '"best": 12.5', '"best": 12.5, "floor_n": "many"'),
        ("summary.json", '"dataset": "digits"', '"dataset": "dig\\nits"'),
        ("summary.json", '"seconds": 61.5', '"seconds": -1e301'),
        ("config.yaml", "latent:", "latent: ["),
        ("status.json", '"finished"', "[]"),
    ],
)
def test_one_bad_run_is_one_line_and_the_others_are_shown(tmp_path, file, old, new):
    write_run(tmp_path)
    bad = write_run(tmp_path, "other") / file
    text = bad.read_text()
    assert old in text
    bad.write_text(text.replace(old, new, 1))
    report = build_report((), results=tmp_path)
    # A damaged config costs the row its settings alone.
    assert [run.name for run in report.runs] == (["other", "quickstart"] if file == "config.yaml" else ["quickstart"])
    (problem,) = report.problems
    assert problem.startswith(f"{bad}:") and problem.isprintable() and len(problem) < 400
    for format_name in FORMATS:
        assert "quickstart" in render(report, format_name)


def test_a_damaged_run_is_named_under_the_table(tmp_path):
    write_run(tmp_path)
    bad = write_run(tmp_path, "other")
    (bad / "summary.json").write_text("{")
    assert f"Left out: {bad / 'summary.json'}: damaged" in notes_of(tmp_path)
