"""Runs of one backend in the hands of another: the same files, the same pictures. The commands of this process are TensorFlow's."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.cli.experiments import CONFIG, STEPS, files_below, states, the_run, weights_of


def run_program(folder, cache, *words: str) -> subprocess.CompletedProcess:
    """A command in a process of its own, which may load another backend."""
    environment = os.environ | {"GANLAB_CACHE": str(cache)}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module", params=["jax", "torch"])
def other(request, tmp_path_factory, cache):
    """A folder with a run of tiny.yaml on another backend, and that backend's name."""
    backend = request.param
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed; pip install 'ganlab[{backend}]'")
    folder = tmp_path_factory.mktemp(backend)
    (folder / "tiny.yaml").write_text(CONFIG.replace("jit: false", "jit: auto"))
    done = run_program(folder, cache, "-m", "ganlab", "run", "tiny.yaml", "-q", "--backend", backend)
    assert (done.returncode, done.stderr) == (0, "")
    return folder, backend


@pytest.fixture
def here(other, ganlab, monkeypatch):
    """Runs a command line in the folder of that run."""
    monkeypatch.chdir(other[0])
    return ganlab


@pytest.mark.slow
class TestARunOfAnotherBackend:
    def test_leaves_the_same_files_with_the_same_names(self, other, finished):
        ours, theirs = the_run(finished / "results"), the_run(other[0] / "results")
        names = [set(files_below(run)) for run in (ours, theirs)]
        assert names[0] == names[1]
        expected, found = (states(run, STEPS) for run in (ours, theirs))
        described = [[(name, array.dtype, array.shape) for name, array in s.items()] for s in (expected, found)]
        assert described[0] == described[1]
        assert any("momentum" in name for name in found) and any("seed_generator" in name for name in found)

    def test_says_on_what_it_ran(self, other):
        folder, backend = other
        run = the_run(folder / "results")
        summary, environment = (json.loads((run / f"{name}.json").read_text()) for name in ("summary", "environment"))
        assert summary["backend"] == environment["backend"] == backend and backend in environment["versions"]

    def test_gives_the_same_pictures_on_either(self, other, here, cache):
        folder, _ = other
        words = ("sample", "tiny", "--count", "9", "--out")
        assert here(*words, "here.png", "--backend", "tensorflow")[0] == 0
        assert run_program(folder, cache, "-m", "ganlab", *words, "there.png").returncode == 0
        ours, theirs = (np.asarray(Image.open(folder / name), int) for name in ("here.png", "there.png"))
        assert np.abs(ours - theirs).max() <= 1 and ours.std() > 5

    def test_gets_the_same_score_on_either(self, other, here):
        summary = json.loads((the_run(other[0] / "results") / "summary.json").read_text())
        code, out, _ = here("evaluate", "tiny", "--backend", "tensorflow", "--json")
        (value,) = json.loads(out)["values"]
        expected = summary["metrics"]["is1k_classifier"]["last"]
        assert code == 0 and value["value"] == pytest.approx(expected, rel=1e-3)

    def test_is_resumed_by_the_same_command_on_its_own_backend(self, other, cache):
        folder, backend = other
        words = ("-m", "ganlab", "run", "tiny.yaml", "-q", "--backend", backend)
        before = files_below(folder / "results")
        done = run_program(folder, cache, *words)
        assert done.returncode == 0 and files_below(folder / "results") == before

    def test_is_where_a_run_on_tensorflow_can_start(self, other, here):
        old = the_run(other[0] / "results")
        still = [f"{name}.optimizer={{SGD: {{learning_rate: 1e-30}}}}" for name in ("generator", "discriminator")]
        still = [word for key in (*still, "train.steps=1", "metrics=[]") for word in ("-o", key)]
        code, _, err = here("run", "tiny.yaml", *still, "-q", "--results", "new", "--init-from", f"{old}:{STEPS}")
        assert (code, err) == (0, "")
        expected, started = weights_of(states(old, STEPS)), weights_of(states(the_run(other[0] / "new"), 1))
        kernels = [name for name in expected if name.endswith("kernel")]
        assert len(kernels) == 3 and all(np.array_equal(started[name], expected[name]) for name in kernels)
