"""Steps perform an objective's stages on one backend; this is the one place that chooses."""

from typing import Any


def load_backend(backend: str) -> Any:
    """The module of a backend: `Steps`, `input_gradient`, `set_device`, `JIT` and, where that has two values, `pass_seconds`.

    It imports the framework.
    """
    if backend == "tensorflow":
        from ganlab.training.steps import tensorflow

        return tensorflow
    if backend == "jax":
        from ganlab.training.steps import jax

        return jax
    if backend == "torch":
        from ganlab.training.steps import torch

        return torch
    raise NotImplementedError(f"no training steps for the backend {backend!r}; expected: tensorflow, jax, torch")
