"""Distances of generated points to the target over the last 100 steps: Figure 12 as numbers.

    python experiments/perry2023/distances.py RUN...

Reads samples/NNNNNN.npy of run folders and prints a row a run as CSV. `mean` is over all points and sample steps, `least` and
`greatest` are means of one step, `swing` is the mean distance of the points of two sample steps in a row: 0 if they stand still.
"""

import sys
from pathlib import Path

import numpy as np

from ganlab.config.loading import load_config
from ganlab.data import load_dataset
from ganlab.runs.folder import RunFolder

LAST = 100  # steps


def distances(samples: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """The columns of a row.

    Args:
        samples: (steps, points, 2), two steps or more.
        target: (2,).
    """
    of_steps = np.linalg.norm(samples - target, axis=2).mean(axis=1)
    swing = np.linalg.norm(np.diff(samples, axis=0), axis=2).mean()
    found = {"mean": of_steps.mean(), "least": of_steps.min(), "greatest": of_steps.max(), "swing": swing}
    return {name: float(value) for name, value in found.items()}


def row_of(path: Path) -> dict:
    folder, config = RunFolder(path), load_config(path / "config.yaml")
    steps = [step for step in folder.sample_steps() if step > config.train.steps - LAST]
    if len(steps) < 2:
        sys.exit(f"{path}: expected samples of two steps or more in the last {LAST} steps, found {len(steps)}")
    samples = np.stack([np.load(folder.sample(step).with_suffix(".npy"), allow_pickle=False) for step in steps])
    (target,) = load_dataset(config.data).train.images
    return {"name": config.name, "seed": config.seed, "sample_steps": len(steps), **distances(samples, target)}


def main(paths: list[Path]) -> None:
    rows = sorted(map(row_of, paths), key=lambda row: (row["name"], row["seed"]))
    print(*rows[0], sep=",")
    for row in rows:
        print(*(f"{value:.4f}" if isinstance(value, float) else value for value in row.values()), sep=",")


if __name__ == "__main__":
    main([Path(path) for path in sys.argv[1:]])
