"""A backend that is not installed is named with the command that installs it, before anything is written."""

import importlib.util
import subprocess
import sys

from tests.cli.experiments import CONFIG, STEPS, the_run
from tests.forks import Fork

LINE = "the backend jax is not installed; pip install 'ganlab[jax]', or choose --backend tensorflow"


def hide_jax():
    find = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *more: None if name == "jax" else find(name, *more)


def run_without_jax(folder, *words: str) -> subprocess.CompletedProcess:
    """A command where there is no JAX, in a process that has loaded no other backend either."""
    program = f"from {__name__} import hide_jax; hide_jax(); from ganlab.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", program, *words], cwd=folder, capture_output=True, text=True)


def test_a_run_of_it_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    done = run_without_jax(tmp_path, "run", "tiny.yaml", "--backend", "jax")
    assert done.returncode == 2 and done.stderr.startswith(LINE) and done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) in (["tiny.yaml"], ["results", "tiny.yaml"])
    assert not list(tmp_path.glob("results/digits/*"))


def test_a_run_that_was_trained_on_it_can_be_sampled_on_another(finished, tmp_path):
    run = the_run(finished / "results")
    folder = tmp_path / "run"
    folder.mkdir()
    for path in ("config.yaml", "status.json", f"checkpoints/generator-{STEPS:06d}.weights.h5"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes((run / path).read_bytes())
    config = (folder / "config.yaml").read_text()
    assert "backend: tensorflow" in config
    (folder / "config.yaml").write_text(config.replace("backend: tensorflow", "backend: jax"))
    done = run_without_jax(tmp_path, "sample", "run")
    assert done.returncode == 2 and done.stderr.startswith(LINE) and done.stderr.count("\n") == 1
    process = Fork(tmp_path, "sample", "run", "--backend", "tensorflow", prepare=hide_jax)
    assert process.wait(timeout=300) == 0, process.communicate()
