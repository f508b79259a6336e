import io
import json
import os
import subprocess
import sys

import keras
import pytest

from ganlab.backends.select import BACKENDS, _told_while_loading, select_backend
from ganlab.errors import GanlabError

OWN = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")


def run(program: str, **environment: str) -> subprocess.CompletedProcess:
    """A program in a process of its own, which has not loaded Keras."""
    kept = {name: value for name, value in os.environ.items() if name not in OWN}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=kept | environment
    )


def test_keras_comes_on_the_backend_asked_for_without_a_word_on_either_stream():
    program = "from ganlab.backends.select import select_backend; select_backend('tensorflow')\n"
    program += "import keras, os; print(keras.backend.backend(), os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    done = run(program, KERAS_BACKEND="jax")
    assert (done.stdout, done.stderr) == ("tensorflow 1\n", "")


@pytest.mark.parametrize("backend", BACKENDS)
def test_settings_of_other_projects_change_nothing(tmp_path, backend):
    pytest.importorskip(backend)
    settings = {"floatx": "float16", "epsilon": 1e-3, "image_data_format": "channels_first", "nnx_enabled": True}
    (tmp_path / "keras.json").write_text(json.dumps(settings | {"backend": "torch"}))
    program = f"""from ganlab.backends.select import select_backend; select_backend({backend!r})
import keras
dense = keras.layers.Dense(2)
dense.build((None, 3))
print(keras.backend.backend(), keras.config.image_data_format(), keras.layers.Flatten().data_format)
print(keras.config.floatx(), dense.kernel.dtype, dense.compute_dtype, keras.config.epsilon())
print(keras.ops.convert_to_tensor([1.0]).dtype, keras.config.is_nnx_enabled())
import os
print(os.environ["TF_ENABLE_ONEDNN_OPTS"])"""
    others = {"JAX_ENABLE_X64": "1", "KERAS_NNX_ENABLED": "true", "TF_ENABLE_ONEDNN_OPTS": "0"}
    said = run(program, KERAS_HOME=str(tmp_path), **others).stdout.splitlines()
    assert said[:2] == [f"{backend} channels_last channels_last", "float32 float32 float32 1e-07"]
    assert "float32" in said[2] and said[2].endswith("False")
    assert said[3] == "0"  # the user's own choice


def test_a_terminal_shows_what_is_loaded_while_it_is_loaded(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(ImportError), _told_while_loading("jax"):
        assert terminal.getvalue() == "loading jax ..."
        raise ImportError
    line, blanks, rest = terminal.getvalue().split("\r")
    assert blanks == " " * len(line) and rest == ""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with _told_while_loading("jax"):
        pass
    assert sys.stderr.getvalue() == ""


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
    assert str(caught.value) == (
        f"keras already runs on {here} in this process, expected {other}; start a new process, or choose the backend {here}"
    )
