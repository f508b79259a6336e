"""Trains single networks on one sample and a constant target: Figures 9 and 10.

    python experiments/perry2023/single_networks.py OUT

It writes OUT/single_networks.csv and OUT/single_networks.png: the cost and the output at each step.

Figure 9: one sigmoid neuron, weight and bias 2, input 1, target 0, rate 0.15: the bad start of Nielsen 2015, chapter 3. The
squared error has the factor 1/2, as there. Figure 10: a network of four inputs learns to give 1; the same for a chain a -> b,
in which only a is trained.
"""

import csv
import sys
from pathlib import Path

import keras
import numpy as np

from ganlab.pictures.plots import write_loss_sheet

STEPS = 300
HALF_SQUARED = [0.5]  # weight of Keras' loss, which has no factor 1/2


def train(model: keras.Model, inputs: np.ndarray, target: float, loss: str, rate: float, weights=None) -> dict:
    """Trains by plain gradient descent, and gives the columns `step`, `loss` and `output` before each update.

    Args:
        inputs: one sample, (1, n).
        target: 0 or 1, for the only output.
        weights: factor of the loss, in a list, or None.
    """
    model.compile(keras.optimizers.SGD(rate), loss, loss_weights=weights, metrics=["mae"])
    rows = []
    for _ in range(STEPS):
        model.reset_metrics()
        rows.append(model.train_on_batch(inputs, np.array([[target]]), return_dict=True))
    loss, error = (np.array([row[name] for row in rows]) for name in ("loss", "mae"))
    return {"step": np.arange(1, STEPS + 1), "loss": loss, "output": np.abs(target - error)}


def neuron() -> keras.Model:
    start = keras.initializers.Constant(2.0)
    layer = keras.layers.Dense(1, "sigmoid", kernel_initializer=start, bias_initializer=start)
    return keras.Sequential([keras.Input((1,)), layer])


def network(inputs: int, *units: int) -> keras.Model:
    return keras.Sequential([keras.Input((inputs,)), *(keras.layers.Dense(n, "sigmoid") for n in units)])


def chain(inputs: int) -> keras.Model:
    """a -> b: the weights of b do not move."""
    a, b = network(inputs, 8, 3), network(3, 1)
    b.trainable = False
    return keras.Sequential([keras.Input((inputs,)), a, b])


def experiments() -> dict[str, dict]:
    """Title of a figure -> its columns."""
    keras.utils.set_random_seed(0)
    one, four = np.ones((1, 1)), np.random.default_rng(0).standard_normal((1, 4))
    return {
        "Figure 9: squared error": train(neuron(), one, 0, "mse", 0.15, HALF_SQUARED),
        "Figure 9: cross-entropy": train(neuron(), one, 0, "binary_crossentropy", 0.15),
        "Figure 10.1: a classifier": train(network(4, 8, 1), four, 1, "binary_crossentropy", 0.15),
        "Figure 10.2: a -> b, only a is trained": train(chain(4), four, 1, "binary_crossentropy", 0.15),
    }


def main(out: Path) -> None:
    found = experiments()
    out.mkdir(parents=True, exist_ok=True)
    with (out / "single_networks.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("experiment", "step", "loss", "output"))
        for title, columns in found.items():
            for step, loss, output in zip(*columns.values(), strict=True):
                rows.writerow((title, step, f"{loss:.6g}", f"{output:.6g}"))
    write_loss_sheet(out / "single_networks.png", found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
