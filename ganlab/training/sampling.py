"""Images from a generator: in batches of one size, so that nothing is compiled twice."""

from typing import Any

import numpy as np

from ganlab.config.schema import Config
from ganlab.training.draws import draw_latents

_BATCH = 250


class Sampler:
    """Draws images from a Keras generator in inference mode."""

    def __init__(self, generator: Any, config: Config):
        self.generator, self.config = generator, config

    def images(self, latents: np.ndarray) -> np.ndarray:
        """float32 (count, *data_shape) in the data's range, for latents (count, dim)."""
        size = min(_BATCH, len(latents))
        parts = []
        for start in range(0, len(latents), size):
            part = latents[start : start + size]
            padded = np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), part.dtype)])
            parts.append(self.generator.predict(padded)[: len(part)])
        return np.concatenate(parts)

    def draw(self, count: int, purpose: str, seed: int | None = None) -> np.ndarray:
        """`count` images from the latents of one purpose; the same every time."""
        latent = self.config.latent
        seed = self.config.seed if seed is None else seed
        return self.images(draw_latents(seed, purpose, count, latent.dim, latent.distribution))


def interpolate(ends: np.ndarray, steps: int, distribution: str) -> np.ndarray:
    """Rows of latents from one end to another.

    Args:
        ends: (rows, 2, dim).
        steps: points a row, the ends included.
        distribution: normal latents are turned along the great circle between the ends, so that their length stays typical
            (White 2016, arXiv 1609.04468); uniform ones, and those on one line through the origin, move straight.

    Returns: (rows * steps, dim), row by row.
    """
    share = np.linspace(0, 1, steps, dtype=np.float64)[None, :, None]
    start, end = ends[:, :1].astype(np.float64), ends[:, 1:].astype(np.float64)
    row = (1 - share) * start + share * end
    if distribution == "normal":
        lengths = np.linalg.norm(start, axis=-1) * np.linalg.norm(end, axis=-1)
        angle = np.arccos(np.clip((start * end).sum(-1) / lengths, -1, 1))[..., None]
        sine = np.sin(angle)
        on_a_line = sine < 1e-6  # such as all latents of one dimension: there is no one circle to turn on
        turned = np.sin((1 - share) * angle) * start + np.sin(share * angle) * end
        row = np.where(on_a_line, row, turned / np.where(on_a_line, 1, sine))
    return row.reshape(-1, ends.shape[-1]).astype(np.float32)
