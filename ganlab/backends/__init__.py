"""Steps perform an objective's stages on one backend; this is the one place that chooses."""

from typing import Any


def load_backend(backend: str) -> Any:
    """The module of a backend, which imports the framework.

    It has `Steps`, `input_gradient`, `set_device`, `on_devices`, `JIT` and, where that has two values,
    `known_jit`.
    """
    if backend == "tensorflow":
        from ganlab.backends import tensorflow

        return tensorflow
    if backend == "jax":
        from ganlab.backends import jax

        return jax
    if backend == "torch":
        from ganlab.backends import torch

        return torch
    raise NotImplementedError(f"no training steps for the backend {backend!r}; expected: tensorflow, jax, torch")
