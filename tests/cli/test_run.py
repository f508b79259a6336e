"""`ganlab run` from the words a user types to the folder it leaves."""

import csv
import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ganlab.config.loading import load_config
from ganlab.errors import StoppedError
from ganlab.training import callbacks
from tests.cli.experiments import FILES, STEPS, files_below, states, the_run, weights_of
from tests.forks import Fork


def history(run):
    """The rows of history.csv without the column of seconds, which no two runs share."""
    with (run / "history.csv").open() as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


class TestAFinishedRun:
    def test_holds_every_file_and_no_other(self, finished):
        assert list(files_below(the_run(finished / "results"))) == FILES.split()

    def test_leaves_nothing_but_its_folder_and_the_folder_of_locks(self, finished):
        outside = [path for path in files_below(finished / "results") if not path.startswith("digits/tiny-seed3-")]
        assert outside == []

    def test_has_the_same_tables_without_pictures_and_checkpoints(self, ganlab, trained):
        """docs/report.md promises it to those who bring the runs of several machines together."""
        run = the_run(trained / "results")
        kept = ("config.yaml", "environment.json", "metrics.jsonl", "status.json", "summary.json")
        record = trained / "records" / run.relative_to(trained / "results")
        record.mkdir(parents=True)
        for name in kept:
            shutil.copy2(run / name, record)
        for form in ("json", "markdown"):
            whole, light = (
                ganlab("report", "--results", folder, "--format", form) for folder in ("results", "records")
            )
            assert whole == light and "tiny" in whole[1]

    def test_is_named_after_data_config_seed_and_identity(self, finished):
        run = the_run(finished / "results")
        identity = json.loads((run / "summary.json").read_text())["identity"]
        assert run.relative_to(finished / "results").as_posix() == f"digits/tiny-seed3-{identity[:8]}"

    def test_has_a_row_of_history_for_each_step(self, finished):
        rows = history(the_run(finished / "results"))
        assert [int(row["step"]) for row in rows] == list(range(1, STEPS + 1))
        logged = ["d_loss", "g_loss", "d_real", "d_fake", "d_generator", "d_accuracy_real", "d_accuracy_fake"]
        assert list(rows[0]) == ["step", *logged, "diversity", "recall"]
        assert [int(row["step"]) for row in rows if row["diversity"] and row["recall"]] == [4, 8, 12]
        assert all(float(row["d_loss"]) > 0 and 0 < float(row["d_real"]) < 1 for row in rows)

    def test_has_its_config_with_every_default_written_out(self, finished):
        run = the_run(finished / "results")
        assert load_config(run / "config.yaml") == load_config(finished / "tiny.yaml")
        assert "keep_checkpoints: 10" in (run / "config.yaml").read_text()

    def test_says_in_its_summary_what_tables_need(self, finished):
        run = the_run(finished / "results")
        summary, status = (json.loads((run / name).read_text()) for name in ("summary.json", "status.json"))
        assert (summary["status"], summary["steps"], status["status"]) == ("finished", STEPS, "finished")
        assert summary["config"]["batch_size"] == 8 and summary["parameters"] == {
            "generator": 320,
            "discriminator": 529,
        }
        metric = summary["metrics"]["is1k_classifier"]
        assert metric["last"] == metric["best"] > 1 and metric["best_step"] == STEPS and metric["floor"] > 9
        assert {"created", "running", "finished"} <= set(status["times"])

    def test_has_pictures_of_the_grid_that_the_config_asks_for(self, finished):
        from PIL import Image

        run = the_run(finished / "results")
        with Image.open(run / "samples.gif") as film:
            assert film.n_frames == 4
        with Image.open(run / "samples" / "000001.png") as first, Image.open(run / "samples" / "000012.png") as last:
            assert first.size == last.size and first.width > first.height and first.tobytes() != last.tobytes()


class TestTheCommand:
    def test_returns_at_once_for_a_finished_run(self, ganlab, trained):
        before = files_below(trained / "results")
        code, out, err = ganlab("run", "tiny.yaml")
        assert (code, err) == (0, "") and "(finished, 12 steps on 1797 images of digits)" in out
        assert files_below(trained / "results") == before

    @pytest.mark.parametrize(
        ("asked", "missing"),
        [
            ("[is1k_classifier]", []),
            ("[fd1k_random]", ["fd1k_random"]),
            ("[is1k_classifier, pr1k_classifier, fd1k_random]", ["pr1k_classifier", "fd1k_random"]),
            ("auto", []),
            ("[]", []),
        ],
    )
    def test_says_how_a_finished_run_gets_other_metrics(self, ganlab, trained, asked, missing):
        code, _, err = ganlab("run", "tiny.yaml", "-o", f"metrics={asked}")
        run = the_run(trained / "results").relative_to(trained)
        words = " ".join(f"--metric {name}" for name in missing)
        hint = f"finished before; other metrics are computed by: ganlab evaluate {run} {words}\n"
        assert (code, err) == (0, hint if missing else "")

    def test_warns_of_a_config_that_is_probably_wrong(self, ganlab, trained):
        text = (
            (trained / "tiny.yaml")
            .read_text()
            .replace("- Dense: {units: 1}", "- Dense: {units: 1, activation: sigmoid}")
        )
        (trained / "other.yaml").write_text(text)
        warning = (
            "the discriminator ends in a sigmoid, but the loss non_saturating works on logits: leave the sigmoid out"
        )
        assert ganlab("run", "other.yaml", "--dry-run")[2].splitlines()[1:] == [f"warning: {warning}"]
        assert ganlab("run", "other.yaml", "--dry-run", "-q")[2] == ""
        code, _, err = ganlab("check", "other.yaml")
        assert (code, err) == (0, f"other.yaml: warning: {warning}\n")

    def test_takes_no_negative_time_when_the_clock_is_set_back(self, ganlab, trained, monkeypatch):
        times = itertools.count(1.7e9, -3600)
        monkeypatch.setattr("time.time", lambda: float(next(times)))
        assert ganlab("run", "tiny.yaml", "--fresh", "-q", "-o", "train.steps=2", "-o", "metrics=[]")[0] == 0
        for summary in (trained / "results").glob("digits/*/summary.json"):
            assert json.loads(summary.read_text())["seconds"] > 0

    def test_says_what_is_trained_and_how_to_look_at_it(self, ganlab, tmp_path):
        code, out, _ = ganlab("run", "tiny.yaml", "-o", "metrics=[]")
        first, *_, last = out.splitlines()
        folder = the_run(tmp_path / "results").relative_to(tmp_path)
        assert code == 0 and first == f"{folder}  (new, 12 steps on 1797 images of digits)"
        assert last == f"finished; see: ganlab show {folder}"

    def test_gives_commands_that_can_be_pasted(self, ganlab, trained):
        shutil.move(trained / "results", trained / "meine Läufe")
        code, out, err = ganlab("run", "tiny.yaml", "--results", "meine Läufe", "-o", "metrics=[pr1k_classifier]")
        folder = the_run(trained / "meine Läufe").relative_to(trained)
        assert code == 0 and out.splitlines()[-1] == f"finished; see: ganlab show '{folder}'"
        assert err.endswith(f"ganlab evaluate '{folder}' --metric pr1k_classifier\n")

    def test_refuses_a_study(self, ganlab, tmp_path):
        (tmp_path / "study.yaml").write_text("base: tiny.yaml\nmatrix: {loss: [hinge]}\n")
        message = (
            "study.yaml: expected a config, received a study; 'ganlab sweep study.yaml --dry-run' checks its cells\n"
        )
        assert ganlab("run", "study.yaml") == (2, "", message)

    def test_starts_afresh_beside_the_old_run(self, ganlab, trained):
        old = the_run(trained / "results")
        before = files_below(old)
        assert ganlab("run", "tiny.yaml", "--fresh", "-q")[:2] == (0, f"results/digits/{old.name}-2\n")
        assert files_below(old) == before
        new = states(old.with_name(f"{old.name}-2"), STEPS)
        assert all(np.array_equal(new[name], array) for name, array in states(old, STEPS).items())

    def test_starts_from_the_weights_of_another_run(self, ganlab, trained):
        old = the_run(trained / "results")
        still = ["-o", "generator.optimizer={SGD: {learning_rate: 1e-30}}", "-o", "train.steps=1", "-o", "metrics=[]"]
        still += ["-o", "discriminator.optimizer={SGD: {learning_rate: 1e-30}}", "-q"]
        folders = [ganlab("run", "tiny.yaml", *still, *more)[1] for more in ([], ["--init-from", f"{old.name}:8"])]
        drawn, started = (weights_of(states(trained / folder.strip(), 1)) for folder in folders)
        expected = weights_of(states(old, 8))
        kernels = [name for name in expected if name.endswith("kernel")]
        assert len(kernels) == 3 and folders[0] != folders[1]
        for name in kernels:
            assert np.array_equal(started[name], expected[name]) and not np.array_equal(drawn[name], expected[name])

    def test_writes_nothing_in_a_dry_run_and_prints_a_config_that_loads(self, ganlab, tmp_path):
        code, out, _ = ganlab("run", "tiny.yaml", "--dry-run", "-o", "latent.dim=7")
        assert code == 0 and sorted(path.name for path in tmp_path.iterdir()) == ["tiny.yaml"]
        (tmp_path / "resolved.yaml").write_text(out)
        resolved = load_config(tmp_path / "resolved.yaml")
        assert resolved.latent.dim == 7 and resolved == load_config(tmp_path / "tiny.yaml", ["latent.dim=7"])

    def test_prints_the_plan_of_a_dry_run_as_json(self, ganlab, tmp_path):
        code, out, _ = ganlab("run", "tiny.yaml", "--dry-run", "--json")
        plan, config = json.loads(out), load_config(tmp_path / "tiny.yaml")
        assert code == 0 and (plan["format"], plan["state"], plan["images"]) == (1, "new", 1797)
        assert plan["config"] == config.model_dump() and plan["steps"] == config.train.steps
        assert plan["folder"] == f"results/digits/tiny-seed3-{plan['identity'][:8]}"

    def test_downloads_nothing_in_a_dry_run(self, ganlab, tmp_path, monkeypatch):
        monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("GANLAB_DATA", raising=False)
        code, out, err = ganlab("run", "tiny.yaml", "--dry-run", "--json", "-o", "data.name=mnist")
        said = "mnist is not on this machine; the run downloads it, and its folder is known only then\n"
        plan = json.loads(out)
        assert (code, err, plan["folder"], plan["config"]["data"]["name"]) == (0, said, None, "mnist")
        assert not (tmp_path / "cache").exists()

    def test_prints_the_summary_as_json(self, ganlab, trained):
        code, out, _ = ganlab("run", "tiny.yaml", "--json")
        assert code == 0 and json.loads(out) == json.loads((the_run(trained / "results") / "summary.json").read_text())

    def test_takes_seed_and_overrides_into_the_identity(self, ganlab):
        def folder(*words):
            return json.loads(ganlab("run", "tiny.yaml", "--dry-run", "--json", *words)[1])["folder"]

        plain, seeded, changed = folder(), folder("--seed", "4"), folder("-o", "train.steps=13")
        assert "/tiny-seed3-" in plain and "/tiny-seed4-" in seeded and "/tiny-seed3-" in changed
        assert len({name[-8:] for name in (plain, seeded, changed)}) == 3
        assert folder("-o", "output.samples_every=2") == plain  # what a run writes does not change what it is

    def test_puts_the_results_where_it_is_told(self, ganlab, tmp_path):
        code, out, _ = ganlab("run", "tiny.yaml", "-q", "-o", "metrics=[]", "--results", "elsewhere/runs")
        assert code == 0 and out.startswith("elsewhere/runs/digits/tiny-seed3-")
        assert not (tmp_path / "results").exists() and (tmp_path / out.strip() / "summary.json").is_file()


class TestARunWhoseDiskIsFull:
    WORDS = ("-q", "-o", "metrics=[]", "-o", "output.checkpoint_every=5")

    def test_fails_before_the_checkpoint_that_its_picture_belongs_to_and_goes_on_later(
        self, ganlab, tmp_path, monkeypatch
    ):
        write_samples = callbacks.write_samples

        def full(path, *what):
            if path.name == "000010.png":
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return write_samples(path, *what)

        with monkeypatch.context() as patched:
            patched.setattr(callbacks, "write_samples", full)
            code, _, err = ganlab("run", "tiny.yaml", *self.WORDS)
        run = the_run(tmp_path / "results")
        assert code == 1 and err == f"{run.relative_to(tmp_path)}/samples/000010.png: No space left on device\n"
        assert json.loads((run / "status.json").read_text())["status"] == "failed"
        assert [path.name for path in sorted((run / "checkpoints").glob("state-*"))] == ["state-000005"]
        assert ganlab("run", "tiny.yaml", *self.WORDS)[0] == 0
        assert [int(row["step"]) for row in history(run)] == list(range(1, STEPS + 1))
        assert (run / "samples" / "000010.png").is_file()


class TestAStoppedRun:
    STEPS = 4000
    OUTPUT = (
        "output={checkpoint_every: 3000, samples_every: 50, grid: [2, 3]}"  # so that it looks at signals now and then
    )
    WORDS = ("-o", f"train.steps={STEPS}", "-o", OUTPUT, "-o", "metrics=[]")

    def until_it_trains(self, process, folder):
        """Returns the process of the run when it trains."""
        give_up = time.monotonic() + 300
        while not any(path.stat().st_size > 200 for path in folder.glob("results/*/*/history.csv")):
            assert time.monotonic() < give_up and process.poll() is None
            time.sleep(0.02)
        return process

    def test_goes_on_where_it_was_and_ends_as_if_it_had_never_stopped(self, ganlab, tmp_path, cache):
        command = [sys.executable, "-m", "ganlab", "run", "tiny.yaml", *self.WORDS]
        environment = os.environ | {"GANLAB_CACHE": str(cache)}
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=-1, stderr=-1, text=True)
        self.until_it_trains(process, tmp_path).send_signal(signal.SIGTERM)
        err = process.communicate(timeout=300)[1]
        stopped = the_run(tmp_path / "results")
        assert process.returncode == 75 and err.startswith("stopped by SIGTERM after saving step ")
        assert err.endswith("; the same command goes on from there\n") and err.count("\n") == 1
        assert 0 < len(history(stopped)) < self.STEPS
        assert json.loads((stopped / "status.json").read_text())["status"] == "stopped"
        assert not (stopped / "summary.json").exists()

        code, out, _ = ganlab("run", "tiny.yaml", *self.WORDS)
        assert code == 0 and f"(stopped, {self.STEPS} steps" in out
        assert ganlab("run", "tiny.yaml", *self.WORDS, "--results", "whole")[0] == 0
        whole = the_run(tmp_path / "whole")
        assert len(history(stopped)) == self.STEPS and history(stopped) == history(whole)
        expected, received = states(whole, self.STEPS), states(stopped, self.STEPS)
        assert expected.keys() == received.keys()
        assert [name for name in expected if not np.array_equal(expected[name], received[name])] == []

    def test_is_locked_while_it_trains_and_free_when_it_was_killed(self, ganlab, tmp_path):
        words = ("run", "tiny.yaml", *self.WORDS, "-o", "train.steps=1000000")
        process = self.until_it_trains(Fork(tmp_path, *words), tmp_path)
        try:
            code, _, err = ganlab(*words)
            assert code == 5 and err.startswith(f"this run is being trained by process {process.pid} on ")
        finally:
            process.kill()
            process.communicate()
        assert the_run(tmp_path / "results").is_dir()
        code, _, err = ganlab("evaluate", "tiny", "--metric", "fd1k_random")
        assert code == 6 and "has no generator checkpoint yet" in err  # and not 5


class TestARunKilledAtItsEnd:
    def test_a_diverged_run_that_goes_on_has_no_summary_until_it_ends(self, ganlab, trained, monkeypatch):
        def stopped(*_):
            raise StoppedError("stopped by a test")

        run = the_run(trained / "results")
        status = json.loads((run / "status.json").read_text())
        (run / "status.json").write_text(json.dumps(status | {"status": "diverged", "verdict": "diverged"}))
        with monkeypatch.context() as patched:
            patched.setattr("ganlab.flows.session.Session.train", stopped)
            assert ganlab("run", "tiny.yaml", "-q")[0] == 75
        assert not (run / "summary.json").exists()
        assert ganlab("run", "tiny.yaml", "-q")[0] == 0 and (run / "summary.json").is_file()

    def test_keeps_no_more_checkpoints_than_one_that_was_not(self, ganlab, trained):
        """Its process died after the last state was in place, before the older ones were removed."""
        run = the_run(trained / "results")
        before = list(files_below(run))
        shutil.copytree(run / "checkpoints/state-000008", run / "checkpoints/state-000004")
        status = json.loads((run / "status.json").read_text())
        (run / "status.json").write_text(json.dumps(status | {"status": "running"}))
        assert ganlab("run", "tiny.yaml", "-q")[0] == 0
        assert list(files_below(run)) == before
