"""One picture of all runs: a row a loss, a column a data set; a grid of seed 0 and the distance of all seeds in each cell.

    python experiments/losses/figure.py RESULTS OUT.png

RESULTS is the folder of results of the two sweeps. The number is the Frechet distance in the features of the random network,
mean over seeds, as a multiple of its floor, the distance of unseen real images.
"""

import json
import sys
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

matplotlib.use("agg")
from matplotlib import pyplot as plt

DATA = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10", "celeba": "faces"}
LOSSES = {
    ("minimax", False): "minimax",
    ("non_saturating", False): "non-saturating",
    ("least_squares", False): "least squares",
    ("hinge", False): "hinge",
    ("wasserstein", False): "Wasserstein,\nclipped weights",
    ("wasserstein", True): "Wasserstein,\ngradient penalty",
}
METRIC = "fd5k_random"
FAILED = ("collapsed", "not_converged", "diverged")


def main(results: Path, out: Path) -> None:
    runs: dict[tuple, list[tuple[int, dict, Path]]] = {}
    for path in sorted(results.glob("*/*/summary.json")):
        summary = json.loads(path.read_text())
        kind = (summary["config"]["loss"], summary["config"]["penalty"] is not None)
        runs.setdefault((kind, summary["dataset"]), []).append((summary["seed"], summary, path.parent))
    figure, axes = plt.subplots(len(LOSSES), len(DATA), figsize=(2 * len(DATA) + 1, 2.3 * len(LOSSES)), squeeze=False)
    for row, (kind, words) in zip(axes, LOSSES.items(), strict=True):
        row[0].set_ylabel(words)
        for axis, name in zip(row, DATA, strict=True):
            axis.set_xticks([])
            axis.set_yticks([])
            cell = sorted(runs.get((kind, name), []), key=lambda run: run[0])
            if not cell:
                axis.set_xlabel("not run")
                continue
            _, summary, folder = cell[0]
            axis.imshow(Image.open(max((folder / "samples").glob("[0-9]*.png"))), cmap="gray")
            measured = [each["metrics"].get(METRIC, {}) for _, each, _ in cell]
            values = [each["last"] / each["floor"] for each in measured if each.get("last") is not None]
            failed = sum(each["verdict"] in FAILED for _, each, _ in cell)
            told = [f"{np.mean(values):.0f} times the floor"] if values else []
            axis.set_xlabel(", ".join(told + ([f"{failed} of {len(cell)} failed"] if failed else [])))
    for axis, words in zip(axes[0], DATA.values(), strict=True):
        axis.set_title(words)
    figure.tight_layout()
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
