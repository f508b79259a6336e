"""How a step's cost grows with batch, image size and filters against counted operations, and how near the machine's rate it is.

    GANLAB_DATA=... python benchmarks/step_cost.py

The machine's rate is that of a product of two 2048 x 2048 float32 matrices, measured between the blocks of steps. Operations
are those of `ganlab check`, of the networks as written: a folded network needs fewer.
"""

import argparse
import statistics
import time

import numpy as np
from step_time import CONFIGS, ROWS

from ganlab.backends.select import select_backend
from ganlab.config.loading import load_config
from ganlab.data.dataset import Dataset, Split
from ganlab.data.registry import load_dataset

select_backend("tensorflow")

import tensorflow as tf  # noqa: E402
from ours import Ours  # noqa: E402

from ganlab.models.flops import step_flops  # noqa: E402

_SIDE = 2048
_MATRIX = tf.random.normal((_SIDE, _SIDE))
# Experiment 5 with one thing changed: batch size, side of the images, factor of all filters.
GROWTH = [(8, 28, 1.0), (32, 28, 1.0), (128, 28, 1.0), (32, 56, 1.0), (32, 28, 0.5), (32, 28, 2.0)]


def matrix_rate() -> float:
    """Operations a second of one product."""
    start = time.perf_counter()
    tf.linalg.matmul(_MATRIX, _MATRIX).numpy()
    return 2 * _SIDE**3 / (time.perf_counter() - start)


def grown(batch: int, side: int, factor: float):
    """Experiment 5 for images of another side, with its filters times a factor."""
    filters = [round(factor * n) for n in (128, 128, 64)]
    critic = [round(factor * n) for n in (32, 64, 128, 256)]
    content = load_config(CONFIGS / "exp05.yaml").model_dump(mode="python", exclude_unset=True)
    for network, numbers in (("generator", filters[1:]), ("discriminator", critic)):
        convolutions = [layer["Conv2D"] for layer in content[network]["layers"] if "Conv2D" in layer]
        for convolution, number in zip(convolutions, numbers, strict=False):
            convolution["filters"] = number
    content["generator"]["layers"][0]["Dense"]["units"] = (side // 4) ** 2 * filters[0]
    content["generator"]["layers"][1]["Reshape"]["target_shape"] = [side // 4, side // 4, filters[0]]
    content["train"]["batch_size"] = batch
    images = np.random.default_rng(0).integers(0, 256, (2000, side, side, 1), dtype=np.uint8)
    dataset = Dataset("noise", Split(images), None, "", None, "drawn here")
    return type(load_config(CONFIGS / "exp05.yaml")).model_validate(content), dataset


def measure(name: str, config, dataset, rounds: int) -> str:
    side = Ours("tensorflow", config, dataset)
    side.run(1)
    start = time.perf_counter()
    side.run(2)
    steps = max(1, round(0.5 / ((time.perf_counter() - start) / 2)))
    operations, steps_seconds, shares = step_flops(side.objective), [], []
    for _ in range(rounds):
        rate = matrix_rate()
        start = time.perf_counter()
        side.run(steps)
        seconds = (time.perf_counter() - start) / steps
        steps_seconds.append(seconds)
        shares.append(operations / seconds / rate)
    seconds = statistics.median(steps_seconds)
    numbers = f"{operations / 1e9:.2f} | {1000 * seconds:.2f} | {operations / seconds / 1e9:.0f}"
    return f"| {name} | {numbers} | {100 * statistics.median(shares):.0f} % | {side.form} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    rate = statistics.median(matrix_rate() for _ in range(9))
    print(f"a product of matrices: {rate / 1e9:.0f} GFLOP/s\n")
    print("| network | GFLOP a step | ms a step | GFLOP/s | of the matrix rate | form |\n|---|---|---|---|---|---|")
    for row, overrides in ROWS.items():
        config = load_config(CONFIGS / f"{row}.yaml", overrides)
        print(measure(row, config, load_dataset(config.data, config.error_at), rounds), flush=True)
    for batch, side, factor in GROWTH:
        name = f"exp05, batch {batch}, {side} x {side}, filters x {factor:g}"
        print(measure(name, *grown(batch, side, factor), rounds), flush=True)


if __name__ == "__main__":
    main()
