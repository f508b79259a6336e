"""Draws samples from a generator, in batches of one size, so that nothing is compiled twice."""

from typing import TYPE_CHECKING

import numpy as np

from ganlab.config.schema import Config, Latent
from ganlab.config.steps import stretch_of
from ganlab.training.draws import generator_of, latents_of

if TYPE_CHECKING:
    from ganlab.models.network import Network

_BATCH = 250


class Sampler:
    """Draws samples from a generator in inference mode.

    Attributes:
        network: the generator.
        config: the config of its run.
        step: the step of its weights, for layers that take the step.
    """

    def __init__(self, network: "Network", config: Config, step: int = 0):
        self.network, self.config, self.step = network, config, step

    def images(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Samples in the data's range, float32 (count, *data_shape).

        Args:
            latents: (count, latent.size).
            labels: classes (count,), for a generator that takes labels.
        """
        return predict(self.network, self._inputs(latents, labels))

    def _inputs(self, latents: np.ndarray, labels: np.ndarray | None) -> dict[str, np.ndarray]:
        values = {"input": latents, **scalar_inputs(self.config, self.step, len(latents))}
        if "labels" in self.network.inputs:
            values["labels"] = np.eye(self.classes, dtype=np.float32)[labels]
        return values

    @property
    def classes(self) -> int | None:
        """The number of classes of a generator that takes labels, otherwise None."""
        shapes = dict(zip(self.network.inputs, self.network.model.inputs, strict=True))
        return shapes["labels"].shape[1] if "labels" in shapes else None

    def draw(self, count: int, purpose: str) -> np.ndarray:
        """`count` samples. Latents, and labels with equal chances, depend on the purpose and the run's seed alone."""
        return self.images(self._latents(count, purpose), self.labels(count, purpose) if self.classes else None)

    def labels(self, count: int, purpose: str) -> np.ndarray:
        """The labels of the samples that `draw` gives, int (count,)."""
        return generator_of(self.config.seed, f"{purpose} labels").integers(0, self.classes, count)

    def grid(self, rows: int, columns: int) -> np.ndarray:
        """float32 samples of a grid. With labels, a row has one class; with codes, one code varies along a row."""
        latents = self._latents(rows * columns, "grid")
        if self.config.latent.codes:
            latents = vary_codes(latents.reshape(rows, columns, -1), self.config.latent)
        labels = np.arange(rows * columns) // columns % self.classes if self.classes else None
        return self.images(latents, labels)

    def reconstruct(self, encoder: "Network", images: np.ndarray) -> np.ndarray:
        """Images from the mean latents that a VAE's encoder gives these images. Both are float32 (count, *data_shape)."""
        codes = predict(encoder, {"input": images, **scalar_inputs(self.config, self.step, len(images))})
        return self.images(codes[:, : self.config.latent.dim])

    def _latents(self, count: int, purpose: str) -> np.ndarray:
        return latents_of(self.config.latent, self.config.seed, purpose, count)


def vary_codes(latents: np.ndarray, latent: Latent) -> np.ndarray:
    """Rows along which one code varies: row 0 the first code, and so on in turn. All other numbers stay.

    Args:
        latents: (rows, columns, latent.size). The first of each row is varied.
        latent: says which of the numbers are codes.

    Returns: (rows * columns, latent.size). A categorical code takes its values in turn, a continuous one goes from -1 to 1.
    """
    varied, columns = np.repeat(latents[:, :1], latents.shape[1], axis=1), np.arange(latents.shape[1])
    sizes = [*latent.categorical, *[1] * latent.continuous]
    for index, row in enumerate(varied):
        number = index % len(sizes)
        first = latent.dim + sum(sizes[:number])
        if number < len(latent.categorical):
            row[:, first : first + sizes[number]] = np.eye(sizes[number])[columns % sizes[number]]
        else:
            row[:, first] = np.linspace(-1, 1, len(columns))
    return varied.reshape(-1, latent.size)


def predict(network: "Network", values: dict[str, np.ndarray]) -> np.ndarray:
    """The outputs of a network in inference, float32. `values` are its inputs by name, each (N, ...)."""
    size = min(_BATCH, len(values["input"]))
    parts = []
    for start in range(0, len(values["input"]), size):
        part = {name: array[start : start + size] for name, array in values.items()}
        whole = {name: np.resize(array, (size, *array.shape[1:])) for name, array in part.items()}
        parts.append(network.predict(whole)[: len(part["input"])])
    return np.concatenate(parts)


def scalar_inputs(config: Config, step: int, count: int) -> dict[str, np.ndarray]:
    """The step and the share of the fade that is done, for `count` samples: float32 (count, 1). Networks ignore unused inputs."""
    scalars = {"step": step, "fade": stretch_of(config, step).share_at(step)}
    return {name: np.full((count, 1), value, np.float32) for name, value in scalars.items()}


def interpolate(ends: np.ndarray, steps: int, distribution: str, codes: int = 0) -> np.ndarray:
    """Rows of latents from one end to another.

    Args:
        ends: (rows, 2, size).
        steps: points a row, the ends included.
        distribution: normal latents move along the great circle between the ends, which keeps their length typical
            (White 2016, arXiv 1609.04468). Uniform latents, and ends on one line through the origin, move straight.
        codes: how many of the last numbers are codes. They stay along a row.

    Returns: (rows * steps, size), row by row.
    """
    dim = ends.shape[-1] - codes
    share = np.linspace(0, 1, steps, dtype=np.float64)[:, None]
    start, end = (ends[:, [place], :dim].astype(np.float64) for place in (0, 1))
    row = (1 - share) * start + share * end
    if distribution == "normal":
        lengths = np.linalg.norm(start, axis=-1) * np.linalg.norm(end, axis=-1)
        angle = np.arccos(np.clip((start * end).sum(-1) / lengths, -1, 1))[..., None]
        sine = np.sin(angle)
        on_a_line = sine < 1e-6  # no unique circle leads from one end to the other
        turned = np.sin((1 - share) * angle) * start + np.sin(share * angle) * end
        row = np.where(on_a_line, row, turned / np.where(on_a_line, 1, sine))
    kept = np.repeat(ends[:, :1, dim:], steps, axis=1)
    return np.concatenate([row, kept], axis=2).reshape(-1, ends.shape[-1]).astype(np.float32)
