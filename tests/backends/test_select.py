import os
import subprocess
import sys

import keras
import pytest

from ganlab.backends.select import BACKENDS, select_backend
from ganlab.errors import GanlabError


def run(program: str, **environment: str) -> subprocess.CompletedProcess:
    """A program in a process of its own, which has not loaded Keras."""
    kept = {name: value for name, value in os.environ.items() if name not in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=kept | environment
    )


def test_keras_comes_on_the_backend_asked_for_without_a_word_on_either_stream():
    program = "from ganlab.backends.select import select_backend; select_backend('tensorflow')\n"
    program += "import keras; print(keras.backend.backend())"
    done = run(program, KERAS_BACKEND="jax")
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")


def test_what_native_code_says_is_shown_if_loading_fails(tmp_path):
    """A module named keras that writes as native code does, and then fails."""
    (tmp_path / "keras.py").write_text("import os\nos.write(2, b'the reason\\n')\nraise ImportError('no keras')\n")
    done = run("from ganlab.backends.select import select_backend; select_backend()", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("the reason\n") and "ImportError: no keras" in done.stderr


def test_the_same_backend_again_is_nothing_and_another_one_is_an_error():
    here = keras.backend.backend()
    other = next(name for name in BACKENDS if name != here)
    select_backend(here)
    select_backend()
    assert keras.backend.backend() == here
    with pytest.raises(GanlabError) as caught:
        select_backend(other)
    assert str(caught.value) == f"keras already runs on another backend in this process; start a new one for {other}"
