"""On JAX and PyTorch, too, a run that was killed and then stopped by a signal ends as one that never was."""

import importlib.util
import signal

import pytest

from tests.reliability.runs import CONFIG, finish, outcome, require_same, require_sound, start
from tests.reliability.test_signals import wait_for

pytestmark = pytest.mark.slow
WORDS = ["run", "tiny.yaml", "-q", "-o", "train.steps=600", "-o", "output.checkpoint_every=20"]
WORDS += ["-o", "output.samples_every=200", "-o", "output.metrics_every=300"]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_run_that_was_killed_and_stopped_ends_as_one_that_was_not(tmp_path, backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed; pip install 'ganlab[{backend}]'")
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    words = [*WORDS, "--backend", backend]
    finish(tmp_path, *words, "--results", "whole")

    def newest() -> str:
        return max((path.name for path in tmp_path.glob("results/*/*/checkpoints/state-*")), default="")

    for name, code in (("SIGKILL", -9), ("SIGTERM", 75)):
        before, process = newest(), start(tmp_path, *words)
        wait_for(process, lambda before=before: newest() > before)
        process.send_signal(getattr(signal, name))
        printed = process.communicate(timeout=60)[0]
        assert process.returncode == code, printed
        require_sound(tmp_path / "results")
    assert newest() < "state-000600"
    finish(tmp_path, *words)
    require_sound(tmp_path / "results")
    require_same(outcome(tmp_path / "results"), outcome(tmp_path / "whole"))
