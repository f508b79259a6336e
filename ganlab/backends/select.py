"""Chooses Keras' backend, before anything imports Keras."""

import atexit
import contextlib
import gc
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

from ganlab.errors import ConfigError, GanlabError

BACKENDS = ("tensorflow", "jax", "torch")
MPS = "gpu: Apple, through MPS"  # the device of PyTorch that cannot record steps
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def select_backend(backend: str | None = None, onednn: str | None = "1") -> None:
    """Loads Keras on one backend, with settings that do not depend on the user's keras.json.

    Args:
        backend: the name; None means the value of `KERAS_BACKEND`, or TensorFlow.
        onednn: the value of `TF_ENABLE_ONEDNN_OPTS`, unless the user has set it; None leaves the choice to TensorFlow. oneDNN
            makes convolutions half again as fast on CPUs on which TensorFlow leaves it off, those without AVX-512.

    Raises:
        ConfigError: if the backend's package is not installed.
        GanlabError: if this process already uses another backend.
    """
    backend = backend or os.environ.get("KERAS_BACKEND", "tensorflow")
    if "keras" in sys.modules:
        if (here := sys.modules["keras"].backend.backend()) != backend:
            message = f"keras already runs on {here} in this process, expected {backend}"
            raise GanlabError(f"{message}; start a new process, or choose the backend {here}")
        return
    require_installed(backend)
    # Python's last collection would walk a framework's million objects for a second. The system frees them anyway.
    atexit.register(gc.freeze)
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if backend == "tensorflow" and onednn is not None:
        os.environ.setdefault(ONEDNN, onednn)
    # Results must depend on the config alone, not on keras.json and these variables.
    os.environ |= {"KERAS_NNX_ENABLED": "false", "JAX_ENABLE_X64": "0"}
    with _told_while_loading(backend), _standard_error_held_back():
        import keras
    # TensorFlow warns of functions that it traces several times; the networks of several phases or runs are several functions.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_epsilon(1e-7)
    keras.config.set_dtype_policy("float32")


def select_any_backend(preferred: str) -> None:
    """Loads Keras on the preferred backend; a process that has loaded another one stays on that.

    For work whose results are equal on all backends, such as shapes and counts.

    Raises: ConfigError if the package of the preferred backend is not installed.
    """
    require_installed(preferred)
    if "keras" not in sys.modules:
        select_backend(preferred)


def require_installed(backend: str) -> None:
    """Raises: ConfigError if the backend's package is not installed."""
    if importlib.util.find_spec(backend) is None:
        others = ", ".join(name for name in BACKENDS if importlib.util.find_spec(name))
        raise ConfigError(
            f"the backend {backend} is not installed; pip install 'ganlab[{backend}]', or choose --backend {others}"
        )


@contextlib.contextmanager
def _told_while_loading(backend: str) -> Iterator[None]:
    """Shows a line on a terminal while the block runs: on a slow machine the terminal would stay blank for half a minute."""
    if not sys.stderr.isatty():
        yield
        return
    line = f"loading {backend} ..."
    print(line, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(f"\r{' ' * len(line)}\r", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _standard_error_held_back() -> Iterator[None]:
    """Holds back standard error, where frameworks tell of missing graphics cards, and shows it only if the block fails."""
    if os.environ.get("GANLAB_DEBUG") == "1":
        yield
        return
    with tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        own = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(own, 2)
            kept.seek(0)
            os.write(2, kept.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)
