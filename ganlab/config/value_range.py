"""The range of data and generated images in memory."""

_RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}


def value_range(name: str) -> tuple[float, float]:
    """(low, high) of a config's data.range: what 0 and 255 on disk become."""
    return _RANGES[name]
