"""Chooses Keras' backend; must be called before anything imports keras."""

import atexit
import contextlib
import gc
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator

from ganlab.errors import ConfigError, GanlabError

BACKENDS = ("tensorflow", "jax", "torch")


def select_backend(backend: str | None = None) -> None:
    """Loads Keras on one backend, without the lines frameworks print about graphics cards that are not there.

    Args:
        backend: its name; None for the one that `KERAS_BACKEND` names, or TensorFlow.

    Raises:
        ConfigError: if the backend's package is not installed.
        GanlabError: if this process already uses another backend.
    """
    backend = backend or os.environ.get("KERAS_BACKEND", "tensorflow")
    if "keras" in sys.modules:
        if sys.modules["keras"].backend.backend() != backend:
            raise GanlabError(f"keras already runs on another backend in this process; start a new one for {backend}")
        return
    if importlib.util.find_spec(backend) is None:
        others = ", ".join(name for name in BACKENDS if importlib.util.find_spec(name))
        raise ConfigError(
            f"the backend {backend} is not installed; pip install 'ganlab[{backend}]', or choose --backend {others}"
        )
    # Python's last collection would walk a framework's million objects for a second, to free what the system frees anyway.
    atexit.register(gc.freeze)
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_held_back():
        import keras  # noqa: F401


@contextlib.contextmanager
def _standard_error_held_back() -> Iterator[None]:
    """Keeps what native code writes to standard error, and shows it only if the block fails."""
    if os.environ.get("GANLAB_DEBUG"):
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
