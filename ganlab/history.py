"""Reads history.csv."""

from pathlib import Path

import numpy as np


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Column name -> float64 array, a value a step."""
    with path.open(encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split(",")
        rows = np.loadtxt(file, delimiter=",", ndmin=2)
    return {name: rows[:, index] for index, name in enumerate(names)} if rows.size else {name: rows for name in names}
