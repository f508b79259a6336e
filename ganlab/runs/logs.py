"""Reads history.csv."""

from pathlib import Path

import numpy as np


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Column name -> float64 array, a value a step; NaN where nothing was measured."""
    import pandas

    table = pandas.read_csv(path, dtype=np.float64)
    return {name: table[name].to_numpy() for name in table.columns}
