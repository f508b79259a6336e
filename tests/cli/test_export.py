"""`ganlab export`: run folders for MLflow and TensorBoard."""

import importlib.util
import re
import shutil

import pytest

from tests.cli.experiments import the_run

has_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="the extra 'tensorboard' is not installed"
)


@has_tensorboard
def test_writes_the_runs_of_a_name_and_tells_how_to_see_them(ganlab, trained):
    code, out, err = ganlab("export", "tiny", "--to", "tensorboard")
    run = the_run(trained / "results")
    assert (code, out) == (0, f"{run.relative_to(trained)}\n")
    assert err == "see: tensorboard --logdir results/.tensorboard\n"
    (events,) = (trained / "results" / ".tensorboard").rglob("events.out.tfevents.*")
    assert events.parent.name == run.name and (run / "samples" / "000012.png").read_bytes() in events.read_bytes()
    assert ganlab("verify", "results")[0] == 0


@has_tensorboard
def test_a_damaged_run_does_not_keep_the_others_back(ganlab, trained):
    run = the_run(trained / "results")
    damaged = run.with_name("other-seed0-00000000")
    damaged.mkdir()
    (damaged / "status.json").write_text("{")
    torn = shutil.copytree(run, run.with_name(f"{run.name}-2"))
    (torn / "samples" / "000001.png").write_bytes(b"torn")
    unread = shutil.copytree(run, run.with_name(f"{run.name}-3"))
    (unread / "config.yaml").write_text("a: [")
    code, out, err = ganlab("export", damaged.name, torn.name, unread.name, run.name, "--to", "tensorboard:board")
    assert code == 1 and out == f"{run.relative_to(trained)}\n" and "config.yaml:1:" in err
    assert "status.json: damaged" in err and "000001.png: cannot be read as a picture" in err
    assert list((trained / "board").rglob("events.out.tfevents.*"))


@pytest.mark.parametrize("to", ["wandb", "none", "mlflow:", "mlflow:localhost", "mlflow:http://", "tensorboard:"])
def test_an_unknown_tracker_or_address_is_one_line(ganlab, trained, to):
    expected = f"--to {to}: expected mlflow, mlflow:URI, tensorboard or tensorboard:FOLDER\n"
    assert ganlab("export", "tiny", "--to", to) == (2, "", expected)


@pytest.mark.parametrize("tracker", ["mlflow", "tensorboard"])
class TestNotInstalled:
    @pytest.fixture(autouse=True)
    def hidden(self, monkeypatch, tracker):
        find = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *more: None if name == tracker else find(name, *more)
        )

    def test_an_export_names_the_command_that_installs_it(self, ganlab, trained, tracker):
        expected = f"{tracker} is not installed; pip install 'ganlab[{tracker}]'\n"
        assert ganlab("export", "tiny", "--to", tracker) == (2, "", expected)

    def test_a_run_is_refused_before_it_writes_anything(self, ganlab, tmp_path, tracker):
        code, out, err = ganlab("run", "tiny.yaml", "--track", tracker)
        assert (code, out) == (2, "") and not (tmp_path / "results").exists()
        assert err == f"-o track={tracker}: track: {tracker} is not installed; pip install 'ganlab[{tracker}]'\n"


def test_a_wrong_tracker_in_a_config_is_located(ganlab, tmp_path):
    with (tmp_path / "tiny.yaml").open("a") as file:
        file.write("track: wandb\n")
    code, _, err = ganlab("run", "tiny.yaml")
    expected = "track: expected none, mlflow, mlflow:URI, tensorboard or tensorboard:FOLDER, received 'wandb'\n"
    assert code == 2 and re.fullmatch(rf"tiny\.yaml:\d+:1: {re.escape(expected)}", err)
