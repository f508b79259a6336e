"""Steps perform an objective's stages on one backend; this is the one place that chooses."""

from typing import Any


def load_backend(backend: str) -> Any:
    """The module of a backend: `Steps`, `input_gradient` and `set_device`. It imports the framework."""
    if backend == "tensorflow":
        from ganlab.training.steps import tensorflow

        return tensorflow
    raise NotImplementedError(f"no training steps for the backend {backend!r}; expected: tensorflow")
