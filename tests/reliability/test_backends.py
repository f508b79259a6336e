"""On JAX and PyTorch, too, a run that was killed and then stopped by a signal ends as one that never was."""

import importlib.util
import signal

import pytest

from tests.reliability.runs import CONFIG, finish, outcome, require_same, require_sound, start
from tests.reliability.test_signals import wait_for

pytestmark = pytest.mark.slow


# So many steps that the run is met in the middle: JAX has compiled them.
@pytest.mark.parametrize(("backend", "steps", "saved_every"), [("jax", 600, 20), ("torch", 150, 5)])
def test_a_run_that_was_killed_and_stopped_ends_as_one_that_was_not(tmp_path, backend, steps, saved_every, monkeypatch):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed; pip install 'ganlab[{backend}]'")
    # JAX compiles the step once for all of these processes, as it does for a user with a GPU.
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "compiled"))
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    every = {"checkpoint": saved_every, "samples": steps // 3, "metrics": steps // 2}
    words = ["run", "tiny.yaml", "-q", "--backend", backend, "-o", f"train.steps={steps}"]
    words += [word for what, count in every.items() for word in ("-o", f"output.{what}_every={count}")]
    finish(tmp_path, *words, "--results", "whole")

    def newest() -> str:
        return max((path.name for path in tmp_path.glob("results/*/*/checkpoints/state-*")), default="")

    for name, code in (("SIGKILL", -9), ("SIGTERM", 75)):
        before, process = newest(), start(tmp_path, *words)
        wait_for(process, lambda before=before: newest() > before)
        process.send_signal(getattr(signal, name))
        printed = process.communicate(timeout=300)[0]
        assert process.returncode == code, printed
        require_sound(tmp_path / "results")
    assert newest() < f"state-{steps:06d}"
    finish(tmp_path, *words)
    require_sound(tmp_path / "results")
    require_same(outcome(tmp_path / "results"), outcome(tmp_path / "whole"))
