"""Training steps on three backends. Each backend is one module, and `load_backend` chooses it."""

import importlib
from types import ModuleType


def load_backend(backend: str) -> ModuleType:
    """The module of a backend: tensorflow, jax or torch. This imports the framework.

    It has `Steps`, `input_gradient`, `set_device`, `list_devices`, `on_devices` and `JIT`.
    """
    return importlib.import_module(f"ganlab.backends.{backend}")
