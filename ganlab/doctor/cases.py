"""The self-test's operations: what goes in, and what must come out, computed by NumPy in float64.

These are what a GAN is made of, each on one device at a time; the numbers that go in are the same everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CPU_TOLERANCE = 1e-4  # float32 against float64
EPSILON = 1e-3  # of the batch normalization
# Adam with an epsilon so large that its step is not only the gradient's sign.
ADAM = {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1.0}


@dataclass(frozen=True)
class Case:
    """One operation.

    Attributes:
        inputs: float32 arrays by name.
        expected: the result, float64.
        tolerance: how far an accelerator may be from the CPU, as a share of the result's largest value. NVIDIA's multiply
            matrices with 11 bits of mantissa (TF32) unless told otherwise, so a few thousandths are no fault.
    """

    inputs: dict[str, np.ndarray]
    expected: np.ndarray
    tolerance: float


def cases() -> dict[str, Case]:
    """The operations by name."""
    return {
        "convolution": _case(_convolution, 5e-3, images=(4, 12, 12, 3), kernel=(3, 3, 3, 8)),
        "transposed convolution": _case(_transposed_convolution, 5e-3, images=(4, 6, 6, 8), kernel=(4, 4, 3, 8)),
        "dense with relu": _case(_dense, 5e-3, inputs=(32, 100), kernel=(100, 64), bias=(64,)),
        "batch normalization": _case(_batch_normalization, 1e-3, inputs=(32, 16), gamma=(16,), beta=(16,)),
        "an Adam step": _case(_adam_step, 1e-3, weights=(100, 64), gradient=(100, 64)),
    }


def deviation(received: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, as a share of the largest expected value; infinite for another shape, NaN for NaN."""
    if received.shape != expected.shape:
        return float("inf")
    return float(np.abs(received - expected).max() / np.abs(expected).max())


def _case(compute: Callable[..., np.ndarray], tolerance: float, **shapes: tuple[int, ...]) -> Case:
    generator = np.random.Generator(np.random.Philox(0))
    inputs = {name: generator.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}
    exact = {name: array.astype(np.float64) for name, array in inputs.items()}
    return Case(inputs, compute(**exact), tolerance)


def _convolution(images: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Stride 2, padding "same": of 12 pixels and a kernel of 3 one row of zeros is missing, at the end."""
    padded = np.pad(images, [(0, 0), (0, 1), (0, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(1, 2))[:, ::2, ::2]
    return np.einsum("nyxcij,ijcf->nyxf", windows, kernel)


def _transposed_convolution(images: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Stride 2, padding "same", kernel (height, width, filters, channels): a kernel of 4 overhangs by one on each side."""
    count, height, width, _ = images.shape
    spread = np.zeros((count, 2 * height + 2, 2 * width + 2, kernel.shape[2]))
    for row in range(4):
        for column in range(4):
            part = images @ kernel[row, column].T
            spread[:, row : row + 2 * height : 2, column : column + 2 * width : 2] += part
    return spread[:, 1:-1, 1:-1]


def _dense(inputs: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return np.maximum(inputs @ kernel + bias, 0)


def _batch_normalization(inputs: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    return gamma * (inputs - inputs.mean(axis=0)) / np.sqrt(inputs.var(axis=0) + EPSILON) + beta


def _adam_step(weights: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Kingma and Ba 2015, algorithm 1 in the form of section 2: the first step."""
    first, second = 1 - ADAM["beta_1"], 1 - ADAM["beta_2"]
    rate = ADAM["learning_rate"] * np.sqrt(second) / first
    return weights - rate * first * gradient / (np.sqrt(second * gradient**2) + ADAM["epsilon"])
