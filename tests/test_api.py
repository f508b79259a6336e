"""The functions of `import ganlab`, with one tiny run that all tests read."""

import ast
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

import ganlab
from ganlab.errors import ConfigError, GanlabError, StoppedError
from ganlab.training.callbacks import Callback
from tests.cli.experiments import CONFIG, STEPS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("python")
    (folder / "tiny.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GANLAB_CACHE", str(folder / "cache"))


@pytest.fixture(scope="module")
def run(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GANLAB_CACHE", str(folder / "cache"))
        return ganlab.run("tiny.yaml", {"train.batch_size": np.int64(16)}, seed=5, quiet=True)


class TestNames:
    def test_are_these(self):
        assert ganlab.__all__ == ["Run", "load", "report", "run", "sweep"]
        public = {name for name in vars(ganlab.Run) if not name.startswith("_")}
        assert public == {"generator", "history", "metrics", "sample"}
        assert set(ganlab.__all__) <= set(dir(ganlab))
        with pytest.raises(AttributeError, match="module 'ganlab' has no attribute 'rnu'"):
            ganlab.rnu  # noqa: B018

    def test_are_told_to_type_checkers(self):
        source = (ROOT / "ganlab" / "__init__.py").read_text()
        (told,) = [
            node
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.ImportFrom) and node.module == "ganlab.api"
        ]
        assert [name.name for name in told.names] == ganlab.__all__
        assert (ROOT / "ganlab" / "py.typed").exists() and "py.typed" in (ROOT / "setup.cfg").read_text()

    def test_load_nothing_heavy_before_they_are_used(self):
        program = "import sys, ganlab; ganlab.run; print({'keras', 'pandas', 'matplotlib', 'numpy'} & {*sys.modules})"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout == "set()\n"


class TestRun:
    def test_trains_and_gives_the_run(self, run):
        assert (run.status, run.verdict) == ("finished", "too_early")
        assert run.folder.parts[:2] == ("results", "digits") and run.folder.name.startswith("tiny-seed5-")
        assert run.config["train"]["batch_size"] == 16 and run.summary["seed"] == 5
        assert repr(run) == f"Run('{run.folder}', finished)"

    def test_a_finished_run_is_not_trained_again(self, run):
        before = (run.folder / "summary.json").stat().st_mtime_ns
        again = ganlab.run(Path("tiny.yaml"), ["train.batch_size=16"], seed=5)
        assert again.folder == run.folder and (run.folder / "summary.json").stat().st_mtime_ns == before

    def test_a_mistake_is_told_with_its_place(self, folder):
        with pytest.raises(ConfigError, match=r"^-o train.steps=\"many\": train.steps: "):
            ganlab.run("tiny.yaml", {"train.steps": "many"})
        with pytest.raises(ConfigError, match=r"^quickstrat: no such file, .* Did you mean 'quickstart'\?$"):
            ganlab.run("quickstrat")
        assert {path.name for path in folder.iterdir()} <= {"tiny.yaml", "results", "cache"}

    @pytest.mark.parametrize("value", [np.array([2, 3]), [np.int64(2), 3]])
    def test_an_array_is_a_list(self, value):
        run = ganlab.run("tiny.yaml", {"output.grid": value, "metrics": [], "train.steps": 2}, quiet=True)
        assert "grid: [2, 3]" in (run.folder / "config.yaml").read_text()

    def test_any_character_reaches_the_config(self, tmp_path):
        with pytest.raises(GanlabError, match=r"^data\.source: expected a folder or a zip of pictures at /gone/😀 or "):
            ganlab.run("tiny.yaml", {"data": {"name": "folder", "source": "/gone/😀", "image_size": 8}})

    @pytest.mark.parametrize("value", [{1, 2}, b"x", object()])
    def test_a_value_that_no_yaml_has_is_a_mistake(self, value):
        with pytest.raises(ConfigError, match=r"^overrides: expected numbers, texts, lists and mappings, received "):
            ganlab.run("tiny.yaml", {"train.steps": value})

    @pytest.mark.parametrize(("value", "received"), [({"name": "tiny"}, "a mapping"), (3, "3"), (None, "null")])
    def test_what_is_no_path_is_told_in_a_line(self, value, received):
        functions = {"config": ganlab.run, "run": ganlab.load, "runs": ganlab.report, "paths": ganlab.sweep}
        for name, function in functions.items():
            with pytest.raises(ConfigError, match=f"^{name}: expected a path or a name, received {received}$"):
                function(value)

    def test_keras_on_another_backend_is_an_error_and_leaves_no_folder(self):
        here = keras.backend.backend()
        other = "jax" if here != "jax" else "torch"
        with pytest.raises(GanlabError, match=f"keras already runs on {here} in this process, expected {other}"):
            ganlab.run("tiny.yaml", {"backend": other}, results="elsewhere")
        assert not Path("elsewhere").exists()

    def test_works_in_a_thread(self, run):
        found = []
        options = {"overrides": {"metrics": [], "train.steps": 3}, "quiet": True}
        thread = threading.Thread(target=lambda: found.append(ganlab.run("tiny.yaml", **options)))
        thread.start()
        thread.join()
        assert found[0].status == "finished" and len(found[0].history) == 3


class TestInterrupts:
    @pytest.fixture
    def interrupted(self, monkeypatch):
        """Sends Ctrl-C to this process, `times` times, after a step of the training."""

        def install(times):
            def on_chunk(self, chunk):
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)

            callback = type("Interrupt", (Callback,), {"__init__": lambda self, context: None, "on_chunk": on_chunk})
            from ganlab.flows import session

            monkeypatch.setattr(session, "CALLBACKS", [callback, *session.CALLBACKS])

        return install

    def test_the_first_one_saves_and_stops_and_a_doubtful_config_is_warned_of(self, interrupted):
        interrupted(1)
        odd = {"metrics": [], "generator.layers[0].Dense.activation": "sigmoid"}
        with pytest.raises(StoppedError), pytest.warns(UserWarning, match="sigmoid"):
            ganlab.run("tiny.yaml", odd, seed=8, quiet=True)
        stopped = ganlab.load("tiny-seed8")
        assert stopped.status == "stopped" and stopped.generator.count_params()

    def test_the_second_one_leaves_the_process_alive(self, interrupted):
        before = signal.getsignal(signal.SIGINT)
        interrupted(2)
        with pytest.raises(KeyboardInterrupt):
            ganlab.run("tiny.yaml", {"metrics": []}, seed=9, quiet=True)
        assert signal.getsignal(signal.SIGINT) is before
        assert ganlab.load("tiny-seed9").status == "stopped"


class TestLoad:
    def test_finds_a_run_by_folder_name_and_identity(self, run):
        for word in (run.folder, "tiny-seed5", run.summary["identity"][:8]):
            assert ganlab.load(word).folder.samefile(run.folder)
        with pytest.raises(ConfigError, match="no such run"):
            ganlab.load("tiny-seed77")

    def test_history_and_metrics_are_data_frames(self, run):
        assert run.history.index.name == "step" and list(run.history.index) == list(range(1, STEPS + 1))
        assert {"d_loss", "g_loss", "seconds"} <= set(run.history.columns)
        (row,) = run.metrics.to_dict("records")
        assert (row["step"], row["name"]) == (STEPS, "is1k_classifier")
        assert row["value"] == run.summary["metrics"]["is1k_classifier"]["last"]

    def test_generator_is_a_keras_model_of_the_step(self, run):
        first, last = ganlab.load(run.folder, step=4), ganlab.load(run.folder)
        assert isinstance(last.generator, keras.Model) and last.generator.output_shape == (None, 8, 8, 1)
        assert not np.array_equal(first.sample(2), last.sample(2))
        with pytest.raises(GanlabError, match="no generator checkpoint of step 5"):
            ganlab.load(run.folder, step=5).sample(1)

    def test_samples_are_those_of_the_command(self, run, tmp_path):
        from ganlab.cli.main import main
        from ganlab.pictures.images import to_uint8

        with pytest.raises(SystemExit) as caught:
            main(["sample", str(run.folder), "--each", "--count", "7", "--seed", "2", "--out", str(tmp_path / "s.npz")])
        samples = run.sample(7, seed=2)
        assert caught.value.code == 0 and samples.dtype == np.float32
        np.testing.assert_array_equal(to_uint8(samples, "tanh"), np.load(tmp_path / "s.npz")["arr_0"])
        with pytest.raises(ConfigError, match="label: the generator of this run takes no labels"):
            run.sample(1, label=3)

    def test_no_sample_is_a_mistake(self, run):
        with pytest.raises(ConfigError, match=r"^n: expected an integer >= 1, received 0$"):
            run.sample(0)

    def test_a_notebook_shows_grid_losses_and_scores(self, run):
        page = run._repr_html_()
        assert page.count('src="data:image/png;base64,') == 2 and "is1k_classifier" in page and "too_early" in page
        assert run._repr_png_() == (run.folder / "samples" / f"{STEPS:06d}.png").read_bytes()


class TestReport:
    def test_is_the_table_of_cells_as_numbers(self, run):
        table = ganlab.report(run.folder)
        (row,) = table.to_dict("records")
        assert (row["name"], row["n"]) == ("tiny", 1)
        assert row["is1k_classifier_last_mean"] == run.summary["metrics"]["is1k_classifier"]["last"]

    def test_one_metric_is_a_metric(self, run):
        table, same = (ganlab.report(run.folder, metrics=named) for named in ("is1k_classifier", ["is1k_classifier"]))
        assert table.equals(same)

    def test_warns_of_a_folder_that_cannot_be_read(self, run, tmp_path):
        (tmp_path / "digits" / "broken-seed0-12345678").mkdir(parents=True)
        (tmp_path / "digits" / "broken-seed0-12345678" / "status.json").write_text("{")
        with pytest.warns(UserWarning, match="broken-seed0-12345678/status.json"):
            ganlab.report(run.folder, tmp_path)


class TestSweep:
    def test_gives_the_runs_in_order_and_executes_no_script_again(self, run, folder, tmp_path, monkeypatch):
        script = tmp_path / "script.py"  # as if it called the sweep
        script.write_text("open('executed', 'w')\n")
        main = ModuleType("__main__")
        main.__file__ = str(script)
        monkeypatch.setitem(sys.modules, "__main__", main)
        runs = ganlab.sweep("tiny.yaml", {"train.batch_size": 16}, seeds=[5], quiet=True)
        assert [each.folder for each in runs] == [run.folder]
        assert not (folder / "executed").exists()

    @pytest.mark.parametrize(("option", "value", "line"), [("jobs", 0, ">= 1"), ("rerun", "al", "failed or all")])
    def test_a_wrong_option_starts_no_run(self, option, value, line):
        with pytest.raises(ConfigError, match=f"{option}: expected .*{line}, received '?{value}"):
            ganlab.sweep("tiny.yaml", results="elsewhere", **{option: value})
        assert not Path("elsewhere").exists()

    def test_a_mistake_starts_no_run(self):
        with pytest.raises(ConfigError, match=r"train\.steps"):
            ganlab.sweep("tiny.yaml", {"train.steps": -1}, results="elsewhere")
        assert not Path("elsewhere").exists()
