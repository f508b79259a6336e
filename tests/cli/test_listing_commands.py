"""ls, show, diff, report, data and schema, from the words a user types to what comes out."""

import json
import os
import sys

import pytest

from ganlab.cli.main import main
from tests.cli.experiments import CONFIG
from tests.run_folders import metric, write_run
from tests.studies import complete_config, write_study


@pytest.fixture
def ganlab(capsys, monkeypatch, tmp_path):
    """Runs a command line in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as caught:
            main([str(word) for word in words])
        return caught.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def test_ls_of_nothing_says_how_to_begin(ganlab):
    assert ganlab("ls") == (0, "", "no runs in results; 'ganlab run CONFIG' makes one\n")
    assert json.loads(ganlab("ls", "--json")[1]) == {"format": 1, "runs": []}


def test_ls_shows_each_run_in_a_line(ganlab, results):
    folder = write_run(results, metrics={"is1k": metric(9.0), "fd1k": metric(12.5, best=11.0)})
    write_run(results, "exp01", dataset="mnist", status="running", with_summary=False)
    code, out, _ = ganlab("ls")
    head, first, second = (line.split() for line in out.splitlines())
    assert code == 0
    assert head[:8] == ["dataset", "name", "seed", "identity", "family", "status", "verdict", "steps"]
    assert first[:11] == [
        *("digits", "quickstart", "0", folder.name[-8:], "DCGAN", "finished", "ok", "1500"),
        *("fd1k", "12.50", "11.00"),
    ]
    assert second[:2] == ["mnist", "exp01"] and second[5] == "running"


def test_ls_filters_and_sorts(ganlab, results):
    for name, last in (("one", 3.0), ("two", 10.0), ("three", 2.0)):
        write_run(results, name, metrics={"fd1k": metric(last)}, family="WGAN" if name == "two" else "DCGAN")
    listed = json.loads(ganlab("ls", "--json", "--sort", "-last", "--filter", "family=DCGAN")[1])["runs"]
    assert [run["name"] for run in listed] == ["one", "three"]
    assert ganlab("ls", "--filter", "family=VAE") == (0, "", "none of 3 runs in results fits the filters\n")
    assert ganlab("ls", "--sort", "lst")[0] == 2


def test_ls_shows_how_far_a_run_is_and_the_settings_that_differ(ganlab, results):
    write_run(results, "exp01", written="loss: hinge\n")
    run = write_run(results, "exp02", written="loss: minimax\n", status="running", with_summary=False)
    (run / "history.csv").write_text("step,d_loss,seconds\n" + "".join(f"{step},0.5,0.1\n" for step in range(1, 501)))
    lines = ganlab("ls")[1]
    assert "500/1500" in lines and "1 min 40 s" in lines and "hinge" in lines and "minimax" in lines
    entry = json.loads(ganlab("ls", "--json")[1])["runs"][1]
    assert entry["progress"]["step"] == 500 and entry["progress"]["losses"] == {"d_loss": 0.5}
    shown = ganlab("show", "exp02")[1]
    assert "step 500 of 1500, 10.00 steps/s, d_loss 0.5000, 1 min 40 s left" in shown
    assert json.loads(ganlab("show", "exp02", "--json")[1])["progress"]["seconds_left"] == pytest.approx(100)
    assert json.loads(ganlab("report", "--format", "json")[1])["runs"][1]["progress"]["step"] == 500


def test_on_a_terminal_of_eighty_columns_ls_and_report_fit(ganlab, results, monkeypatch):
    for number in range(3):
        written = f"loss: {{hinge: {{real_label: 0.{number}}}}}\nclip_weights: {number}\n"
        write_run(
            results, f"exp{number:02d}", written=written, units=number + 1, steps=1000 + number, device=f"gpu{number}"
        )
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("ls", "report"):
        monkeypatch.setattr("ganlab.cli.output.sys.stdout.isatty", lambda: True, raising=False)
        code, out, _ = ganlab(command)
        assert code == 0 and "--wide" in out
        lines = [line for line in out.splitlines() if not line.startswith(("family", "For more", "Mean"))]
        assert max(map(len, lines)) <= 80, out
        assert all(f"exp0{number}" in out for number in range(3)) and "12.50" in out
        assert "--wide" not in ganlab(command, "--wide")[1]


def test_ls_shows_the_rest_beside_a_damaged_run_and_fails(ganlab, results):
    write_run(results)
    bad = write_run(results, "exp01")
    (bad / "status.json").write_text("{")
    code, out, err = ganlab("ls")
    assert code == 1 and "quickstart" in out and "exp01" not in out
    assert err.startswith(f"results/digits/{bad.name}/status.json: damaged") and err.count("\n") == 1


def test_show_says_what_came_out_and_where_the_pictures_are(ganlab, results):
    folder = write_run(results, metrics={"fd1k": metric(12.5, floor=0.9, floor_n=898)})
    (folder / "samples").mkdir()
    (folder / "samples" / "001500.png").touch()
    code, out, _ = ganlab("show", "quickstart")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    for line in (
        ["status", "finished"],
        ["parameters", "generator", "4224,", "discriminator", "1025"],
        ["loss", "non_saturating"],
        ["fd1k", "12.50", "12.50", "1500", "0.9000", "(N", "=", "898)", "lower"],
        ["samples", f"results/digits/{folder.name}/samples/001500.png"],
    ):
        assert line in lines
    document = json.loads(ganlab("show", "quickstart", "--json")[1])
    assert document["summary"]["metrics"]["fd1k"]["last"] == 12.5
    assert list(document["pictures"]) == ["samples"]


def test_show_of_an_unfinished_run_says_so(ganlab, results):
    write_run(results, status="failed", with_summary=False)
    code, out, _ = ganlab("show", "quickstart")
    assert code == 0 and ["status", "failed"] in [line.split() for line in out.splitlines()]


def test_diff_names_the_keys_that_differ(ganlab, results):
    write_run(results, "exp01", metrics={"fd1k": metric(1.0), "is1k": metric(9.0, fingerprint="aa")})
    other = write_run(results, "exp02", units=128, metrics={"fd1k": metric(2.0), "is1k": metric(8.0, fingerprint="bb")})
    (other / "environment.json").write_text(json.dumps({"versions": {"keras": "3.16.0"}, "device": "cpu"}))
    code, out, _ = ganlab("diff", "exp01", "exp02")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["generator.layers[0].Dense.units", "64", "128"] in lines
    assert ["versions.keras", "3.15.1", "3.16.0"] in lines
    assert ["fd1k", "last", "1.000", "2.000"] in lines and ["fd1k", "best", "1.000", "2.000"] in lines
    assert ["is1k", "[aa]", "last", "9.000", "-"] in lines and ["is1k", "[bb]", "last", "-", "8.000"] in lines
    document = json.loads(ganlab("diff", "exp01", "exp02", "--json")[1])
    assert [entry["key"] for entry in document["config"]] == ["name", "generator.layers[0].Dense.units"]


def test_diff_tells_a_missing_key_from_a_null(ganlab, results):
    for name, line in (("exp01", "clip_weights: null\n"), ("exp02", "")):
        with (write_run(results, name) / "config.yaml").open("a") as config:
            config.write(line)
    document = json.loads(ganlab("diff", "exp01", "exp02", "--json")[1])
    assert {"key": "clip_weights", "first": None} in document["config"]


def test_diff_names_other_training_images(ganlab, results):
    write_run(results, "exp01", data="1" * 64)
    write_run(results, "exp02", data="2" * 64)
    document = json.loads(ganlab("diff", "exp01", "exp02", "--json")[1])
    assert {"key": "data.fingerprint", "first": "1" * 64, "second": "2" * 64} in document["config"]
    assert [entry["metric"] for entry in document["metrics"]] == [
        "fd1k_classifier [data 11111111]",
        "fd1k_classifier [data 22222222]",
    ]


def test_diff_of_a_run_with_itself_finds_nothing(ganlab, results):
    write_run(results)
    code, out, _ = ganlab("diff", "quickstart", "quickstart")
    assert code == 0 and out.count("no difference") == 2


@pytest.mark.parametrize("words", [["show", "nothing"], ["diff", "quickstart", "nothing"]])
def test_a_run_that_is_not_there_is_one_line(ganlab, results, words):
    write_run(results)
    code, out, err = ganlab(*words)
    assert (code, out) == (2, "") and err.startswith("nothing: no such run in results.") and err.count("\n") == 1


@pytest.fixture
def study(results):
    """A 2 x 2 study with two seeds; one cell failed."""
    for row, loss in enumerate(("hinge", "minimax")):
        for column, size in enumerate((16, 64)):
            for seed in (0, 1):
                written = f"loss: {loss}\nlabels: none\ndata: {{limit: {size}}}\n"
                status = "failed" if (row, column) == (1, 1) else "finished"
                metrics = {"fd1k": metric(10.0 * row + column + 2 * seed), "is1k": metric(1.0)}
                name = f"study-{loss}-{size}"
                write_run(results, name, seed=seed, written=written, status=status, metrics=metrics)


def test_report_shows_both_axes_of_a_study(ganlab, study):
    out = ganlab("report", "--metric", "fd1k")[1]
    assert all(word in out for word in ("loss", "limit", "hinge", "minimax", "16", "64", "1.000 ± 1.414"))


def test_report_shows_the_columns_asked_for(ganlab, study):
    out = ganlab("report", "--metric", "fd1k", "--columns", "labels,train.batch_size", "--format", "csv")[1]
    head, first = out.splitlines()[:2]
    assert "labels,train.batch_size," in head and "loss" not in head and ",none,32," in first
    code, _, err = ganlab("report", "--columns", "bach_size")
    assert code == 2 and err == "bach_size: no run here has this setting. Did you mean 'train.batch_size'?\n"


def test_report_makes_a_table_of_two_settings(ganlab, study):
    out = ganlab("report", "--rows", "loss", "--cols", "data.limit", "--format", "markdown")[1]
    assert out.splitlines()[:6] == [
        "## digits, fd1k, columns: data.limit",
        "",
        "| loss | 16 | 64 |",
        "|---|---:|---:|",
        "| hinge | 1.000 ± 1.414 (2) | 2.000 ± 1.414 (2) |",
        "| minimax | 11.00 ± 1.41 (2) |  |",
    ]
    out = ganlab("report", "--rows", "limit", "--cols", "loss", "--metric", "is1k", "--format", "csv")[1]
    assert out.splitlines()[:2] == ["data.limit,hinge,minimax", "16,1.000 ± 0.000 (2),1.000 ± 0.000 (2)"]


@pytest.mark.parametrize("other", [1e-3, None])
def test_a_heading_names_its_setting_in_every_command(ganlab, results, other):
    network = "discriminator: {{layers: [Flatten], optimizer: {{Adam: {{learning_rate: {}}}}}}}\n"
    for loss in ("hinge", "minimax"):
        for rate in (1e-3, 2e-4):
            folder = write_run(results, f"{loss}{rate}", written=f"loss: {loss}\n" + network.format(other or rate))
            config = folder / "config.yaml"
            config.write_text(config.read_text().replace("learning_rate: 1e-3", f"learning_rate: {rate}", 1))
    assert "learning" in ganlab("ls")[1]
    head = ganlab("report", "--columns", "loss,learning_rate", "--format", "csv")[1].splitlines()[0]
    assert "data,loss,generator.optimizer.Adam.learning_rate,seconds_mean" in head
    title = ganlab("report", "--rows", "loss", "--cols", "learning_rate")[1].splitlines()[0]
    assert title.endswith("columns: generator.optimizer.Adam.learning_rate")
    runs = json.loads(ganlab("ls", "--sort", "learning_rate", "--filter", "loss=hinge", "--json")[1])["runs"]
    assert [run["name"] for run in runs] == ["hinge0.0002", "hinge0.001"]
    runs = json.loads(ganlab("ls", "--filter", "generator.learning_rate=2e-4", "--json")[1])["runs"]
    assert sorted(run["name"] for run in runs) == ["hinge0.0002", "minimax0.0002"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rows", "loss"], "--rows and --cols go together"),
        (["--rows", "loss", "--cols", "limit", "--format", "html"], "--rows and --cols go together"),
        (["--rows", "loss", "--cols", "loss"], "expected one key for rows and one for columns, found loss"),
        (["--rows", "loss", "--cols", "rate"], "rate: no run here has this setting"),
    ],
)
def test_a_table_of_two_settings_needs_two(ganlab, study, words, message):
    code, out, err = ganlab("report", *words)
    assert (code, out) == (2, "") and message in err


def test_report_writes_a_file_whole_and_says_where(ganlab, results, tmp_path):
    write_run(results)
    code, out, err = ganlab("report", "--format", "csv", "--out", "table.csv")
    assert (code, out) == (0, "") and err == "wrote table.csv\n"
    assert (tmp_path / "table.csv").read_text().startswith("dataset,cell,name,")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "table.csv"]


@pytest.mark.parametrize("names", [[], ["*e*"]])
def test_a_watched_report_is_written_again_when_a_run_has_changed(ganlab, results, tmp_path, monkeypatch, names):
    run = write_run(results, status="running", with_summary=False)
    sizes, changes = [], iter([lambda: None, lambda: (run / "history.csv").write_text("step,d_loss\n1,0.5\n"), None])

    def sleep(seconds):
        sizes.append((tmp_path / "page.csv").read_text().count("\n"))
        if (change := next(changes)) is None:
            write_run(results, "other")
            monkeypatch.setattr("time.sleep", last)
        else:
            change()

    def last(seconds):
        sizes.append((tmp_path / "page.csv").read_text().count("\n"))
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    code, _, err = ganlab("report", *names, "--out", "page.csv", "--watch")
    assert (code, sizes) == (130, [2, 2, 2, 3])
    # Now, after the step, and with the new run; not after the look that found no change.
    assert err.count("wrote page.csv") == 3


@pytest.mark.parametrize("more", [[], ["--out", "t.md", "--figures", "figures"]])
def test_what_is_watched_needs_a_file(ganlab, results, more):
    write_run(results)
    code, out, err = ganlab("report", "--watch", *more)
    assert (code, out) == (2, "") and "--watch needs --out, and goes without --figures" in err


def test_report_leaves_an_earlier_file_alone_when_it_fails(ganlab, results, tmp_path):
    write_run(results)
    (tmp_path / "table.md").write_text("earlier")
    code, _, err = ganlab("report", "--metric", "fid5k", "--format", "markdown", "--out", "table.md")
    assert code == 2 and err.startswith("--metric fid5k: no run here has this metric.")
    assert (tmp_path / "table.md").read_text() == "earlier"


def test_report_writes_into_a_pipe_without_replacing_it(ganlab, results, tmp_path):
    write_run(results)
    os.mkfifo(tmp_path / "pipe")
    # Opened for both ways, so that neither end waits for the other.
    descriptor = os.open(tmp_path / "pipe", os.O_RDWR)
    code, out, _ = ganlab("report", "--format", "csv", "--out", "pipe")
    assert (code, out) == (0, "") and os.read(descriptor, 20) == b"dataset,cell,name,fa"
    assert (tmp_path / "pipe").is_fifo()
    os.close(descriptor)


def test_report_follows_a_link_and_leaves_it_a_link(ganlab, results, tmp_path):
    write_run(results)
    (tmp_path / "target.csv").write_text("earlier")
    (tmp_path / "link.csv").symlink_to("target.csv")
    assert ganlab("report", "--format", "csv", "--out", "link.csv")[0] == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_text().startswith("dataset,")


def test_report_prints_its_table_and_fails_when_a_run_is_damaged(ganlab, results):
    write_run(results)
    for name in ("exp01", "exp02"):
        (write_run(results, name) / "summary.json").write_text("[]")
    code, out, err = ganlab("report")
    assert code == 1 and "quickstart" in out and out.count("Left out: ") == 2
    assert [line.partition("-seed")[0] for line in err.splitlines()] == [
        "results/digits/exp01",
        "results/digits/exp02",
        "2 run folders could not be read",
    ]


def test_data_lists_the_digits_that_need_no_download(ganlab, monkeypatch, tmp_path):
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "gone"))  # each published data set there would be read whole
    code, out, _ = ganlab("data", "--json")
    (digits,) = [entry for entry in json.loads(out)["datasets"] if entry["name"] == "digits"]
    assert code == 0 and 1797 in digits.values()
    assert any(line.startswith("digits ") for line in ganlab("data")[1].splitlines())


def test_schema_writes_the_language_of_each_file(ganlab, tmp_path):
    code, out, _ = ganlab("schema", "--out", "schema.json")
    assert (code, out) == (0, "")
    schema = (tmp_path / "schema.json").read_text()
    assert json.loads(schema)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert '"Conv2DTranspose"' in schema
    for file, key in (("study", "matrix"), ("report", "compare")):
        assert key in json.loads(ganlab("schema", file)[1])["properties"]


def test_report_draws_figures_and_tells_their_files(ganlab, results):
    run = write_run(results)
    (run / "history.csv").write_text("step,d_loss,g_loss,seconds\n1,0.5,0.7,0.1\n2,0.4,0.9,0.1\n")
    code, out, err = ganlab("report", "--figures", "pictures")
    assert code == 0 and "quickstart" in out
    assert err == "wrote pictures/digits-losses.png\n"


def test_report_fails_for_a_picture_that_cannot_be_drawn(ganlab, results):
    run = write_run(results)
    (run / "samples").mkdir()
    (run / "samples" / "000001.png").write_text("torn")
    code, out, err = ganlab("report", "--figures", "pictures")
    assert code == 1 and "quickstart" in out and "000001.png: cannot be read as a picture" in err


def test_report_puts_a_study_beside_the_runs_of_the_data_set_asked_for(ganlab, results, tmp_path):
    complete_config(write_run(results, "exp01"))
    write_study(tmp_path / "experiments")
    assert "published fid" not in ganlab("report")[1]
    assert "published fid" in ganlab("report", "--dataset", "digits")[1]
    (tmp_path / "none").mkdir()
    assert "published fid" not in ganlab("report", "--dataset", "digits", "--studies", "none")[1]
    assert ganlab("report", "--studies", "nowhere")[0] == 2


@pytest.mark.parametrize(
    ("name", "more", "begins"),
    [
        ("t.json", (), "{"),
        ("t.html", (), "<!"),
        ("t.HTM", (), "<!"),
        ("t.md", (), "|"),
        ("t.csv", (), "dataset"),
        ("t.tex", (), "\\begin"),
        ("t.txt", (), "digits"),
        ("t", (), "digits"),
        ("t.xlsx", ("--format", "csv"), "dataset"),
        ("t.json", ("--format", "csv"), "dataset"),
    ],
)
def test_a_report_is_written_in_the_format_of_the_suffix(ganlab, results, tmp_path, name, more, begins):
    write_run(results)
    assert ganlab("report", "--out", name, *more)[0] == 0
    assert begins in (tmp_path / name).read_text()


def test_a_report_under_an_unknown_suffix_is_a_usage_error(ganlab, results, tmp_path):
    write_run(results)
    code, out, err = ganlab("report", "--out", "rep.xlsx")
    said = "--out rep.xlsx: unknown suffix; expected one of .txt, .md, .tex, .csv, .json, .html, .htm, or --format\n"
    assert (code, out) == (2, "") and err.endswith(said) and not (tmp_path / "rep.xlsx").exists()


def test_each_run_that_cannot_be_read_has_its_line(ganlab, results):
    write_run(results, "good")
    for name in ("bad", "worse"):
        (write_run(results, name) / "status.json").write_text("{")
    for command in ("ls", "report"):
        code, out, err = ganlab(command)
        assert code == 1 and "good" in out and "bad-seed0" in err and "worse-seed0" in err
        assert err.endswith("2 run folders could not be read\n") and err.count("\n") == 3


def test_report_names_a_damaged_run_once_on_a_terminal(ganlab, results, monkeypatch):
    write_run(results, "exp01")
    damaged = write_run(results, "exp02")
    (damaged / "config.yaml").write_text("{")
    for is_terminal, told in ((True, 1), (False, 2)):  # elsewhere the table and the message may part
        monkeypatch.setattr(sys.stdout, "isatty", lambda is_terminal=is_terminal: is_terminal)
        code, out, err = ganlab("report")
        assert code == 1 and (out + err).count("config.yaml:") == told
    assert ganlab("report", "--format", "csv")[2].count("config.yaml:") == 1


def test_report_and_verify_take_the_names_of_runs(ganlab, results):
    runs = [write_run(results, "exp01", seed=seed) for seed in (0, 1)]
    write_run(results, "exp02")
    reported = json.loads(ganlab("report", "exp01", "--format", "json")[1])["runs"]
    assert [(run["name"], run["seed"]) for run in reported] == [("exp01", 0), ("exp01", 1)]
    assert len(json.loads(ganlab("report", "exp01-seed1", runs[0], "--format", "json")[1])["runs"]) == 2
    verified = json.loads(ganlab("verify", "exp01", "--json")[1])
    assert verified["format"] == 1 and [run["folder"] for run in verified["runs"]] == [
        str(run.relative_to(results.parent)) for run in runs
    ]
    for command in ("report", "verify"):
        assert ganlab(command, "exp03") == (2, "", "exp03: no such run in results. Did you mean 'exp02'?\n")


def test_a_report_of_a_benchmark_takes_the_runs_of_the_study(ganlab, results, tmp_path):
    (tmp_path / "base.yaml").write_text(CONFIG)
    (tmp_path / "study.yaml").write_text("base: base.yaml\nmatrix: {generator.optimizer: [Adam, SGD]}\n")
    for name in ("tiny-optimizer=Adam", "tiny-optimizer=SGD", "other"):
        write_run(results, name, metrics={"fd1k": metric(12.5)})
    code, out, _ = ganlab("report", "--benchmark", "study.yaml", "--out", "table.csv")
    assert (code, out) == (0, "")
    rows = (tmp_path / "table.csv").read_text().splitlines()
    assert len(rows) == 3 and all(row.startswith("digits,fd1k,Adam,") for row in rows[1:])
    assert "Problems and optimizers" in ganlab("report", "--benchmark", "study.yaml")[1]
    code, out, err = ganlab("report", "--benchmark", "base.yaml")
    assert (code, out) == (2, "") and "no run here has the name of one of its 1 configs" in err
    assert ganlab("report", "--benchmark", "study.yaml", "--out", "bench.html")[:2] == (0, "")
    page = (tmp_path / "bench.html").read_text()
    assert page.count("2 runs of 2 settings") == 2 and "Problems and optimizers</h2>" in page
    for words in (("--format", "json"), ("--out", "bench.html", "--watch"), ("--columns", "loss")):
        code, out, err = ganlab("report", "--benchmark", "study.yaml", *words)
        assert (code, out) == (2, "") and err.endswith(
            "--benchmark goes without --rows, --cols, --columns and --watch, as table, markdown, latex, csv or html\n"
        )
