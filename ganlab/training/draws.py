"""Draws all random numbers of training on the host, except those inside layers: Philox, keyed by (seed, purpose, step).

The numbers of a step depend on nothing else: not on the backend, the size of a chunk or the step of a resume.
Source: Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3.
"""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from types import MappingProxyType

import numpy as np

from ganlab.config.schema import Latent
from ganlab.training.stages import Draw


def generator_of(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """A NumPy generator for one purpose at one step."""
    key = int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, step]))


def draw_latents(seed: int, purpose: str, count: int, dim: int, distribution: str) -> np.ndarray:
    """Latents outside training (sample grids, metrics): float32 (count, dim), standard normal or uniform in [-1, 1)."""
    generator = generator_of(seed, purpose)
    if distribution == "normal":
        return generator.standard_normal((count, dim), dtype=np.float32)
    return generator.random((count, dim), dtype=np.float32) * 2 - 1


def draw_codes(generator: np.random.Generator, count: int, categorical: Sequence[int], continuous: int) -> np.ndarray:
    """InfoGAN's codes: float32 (count, sum(categorical) + continuous).

    A one-hot vector for each categorical code, whose values have equal chances, then numbers that are uniform in [-1, 1).
    """
    numbers = generator.random((count, len(categorical) + continuous), dtype=np.float32)
    chosen = [np.eye(size, dtype=np.float32)[(numbers[:, i] * size).astype(int)] for i, size in enumerate(categorical)]
    return np.concatenate([*chosen, 2 * numbers[:, len(categorical) :] - 1], axis=1)


def latents_of(latent: Latent, seed: int, purpose: str, count: int) -> np.ndarray:
    """A generator's input outside training: float32 (count, latent.size), latents and then codes."""
    latents = draw_latents(seed, purpose, count, latent.dim, latent.distribution)
    if not latent.codes:
        return latents
    codes = draw_codes(generator_of(seed, f"{purpose} codes"), count, latent.categorical, latent.continuous)
    return np.concatenate([latents, codes], axis=1)


class _Stream:
    """The generators of one purpose, step by step. Moving a generator is forty times as fast as making one."""

    def __init__(self, seed: int, purpose: str):
        self._generator = generator_of(seed, purpose)
        self._start = self._generator.bit_generator.state

    def at(self, step: int) -> np.random.Generator:
        """The same as `generator_of(seed, purpose, step)`. It replaces the generator of the call before."""
        self._start["state"]["counter"][3] = step
        self._generator.bit_generator.state = self._start
        return self._generator


def empty(draws: Mapping[str, Draw], *before: int) -> dict[str, np.ndarray]:
    """Arrays without content for the numbers of steps: name -> (*before, *shape)."""
    integers = ("rows", "integers")
    return {n: np.empty((*before, *d.shape), np.int32 if d.kind in integers else np.float32) for n, d in draws.items()}


class Draws:
    """Draws for chunks of steps.

    Rows come from an endless sequence of permutations for each source, one permutation an epoch. A batch that reaches the end of
    an epoch continues in the next, so every epoch uses every sample once, for any batch size.
    """

    def __init__(
        self,
        draws: dict[str, Draw],
        seed: int,
        count: int,
        sources: Mapping[str, np.ndarray] = MappingProxyType({}),
        start: int = 0,
    ):
        """Makes the draws of one objective.

        Args:
            draws: name -> the random numbers of a step.
            seed: the run's seed.
            count: number of training samples. All of them are the source `all`.
            sources: further sources: name -> rows of the data, int, shape (M,).
            start: the first step of the first epoch.
        """
        self.draws, self.seed, self.start = draws, seed, start
        self.sources = {"all": np.arange(count, dtype=np.int32)} | dict(sources)
        self.rows_a_step: dict[str, int] = {}
        self._offsets: dict[str, int] = {}
        for name, draw in draws.items():
            if draw.kind == "rows":
                self._offsets[name] = self.rows_a_step.get(draw.source, 0)
                self.rows_a_step[draw.source] = self._offsets[name] + draw.shape[0]
        streams = {*draws, *(f"mirror {source}" for source in self.rows_a_step)}
        self._streams = {name: _Stream(seed, name) for name in streams}
        # Steps may still ask for the epoch before, and for no earlier one.
        self._permutations = {source: lru_cache(2)(partial(self._permutation, source)) for source in self.sources}

    def take(self, first: int, steps: int) -> dict[str, np.ndarray]:
        """The numbers of steps first, first + 1, ...: name -> array (steps, *shape); rows and integers are int32.

        The row of an image to be mirrored is -1 - row.
        """
        taken = empty(self.draws, steps)
        self.fill(taken, first)
        return taken

    def fill(self, taken: Mapping[str, np.ndarray], first: int) -> None:
        """Writes the numbers of steps first, first + 1, ... into arrays as `take` returns them."""
        for name, draw in self.draws.items():
            if draw.low == draw.high and not draw.flip:
                taken[name][...] = draw.low
                continue
            for step, numbers in enumerate(taken[name], first):
                self._fill(numbers, name, draw, step)

    def _fill(self, numbers: np.ndarray, name: str, draw: Draw, step: int) -> None:
        if draw.kind == "rows":
            numbers[:] = self._rows(name, draw, step)
            if draw.mirror:
                numbers[self._mirrored(name, draw, step)] ^= -1  # all bits: -1 - row
            return
        generator = self._streams[name].at(step)
        if draw.kind == "normal":
            generator.standard_normal(dtype=np.float32, out=numbers)
        elif draw.kind == "integers":
            numbers[:] = generator.integers(0, int(draw.high), draw.shape)
        elif draw.kind == "codes":
            numbers[:] = draw_codes(generator, len(numbers), draw.categorical, draw.shape[1] - sum(draw.categorical))
        else:
            numbers[:] = self._uniform(draw, generator)

    def _uniform(self, draw: Draw, generator: np.random.Generator) -> np.ndarray:
        numbers = draw.low + (draw.high - draw.low) * generator.random(draw.shape, dtype=np.float32)
        if draw.flip:
            low, high = draw.flipped
            flipped = low + (high - low) * generator.random(draw.shape, dtype=np.float32)
            numbers = np.where(generator.random(draw.shape) < draw.flip, flipped, numbers)
        return numbers

    def _rows(self, name: str, draw: Draw, step: int) -> np.ndarray:
        place = (step - self.start) * self.rows_a_step[draw.source] + self._offsets[name]
        count, size = len(self.sources[draw.source]), draw.shape[0]
        rows = np.empty(size, np.int32)
        filled = 0
        while filled < size:
            epoch, begin = divmod(place + filled, count)
            part = self._permutations[draw.source](epoch)[begin : begin + size - filled]
            rows[filled : filled + len(part)] = part
            filled += len(part)
        return rows

    def _mirrored(self, name: str, draw: Draw, step: int) -> np.ndarray:
        """Which images of a batch are mirrored: bool, a random half."""
        of_step = self._streams[f"mirror {draw.source}"].at(step).random(self.rows_a_step[draw.source]) < 0.5
        return of_step[self._offsets[name] :][: draw.shape[0]]

    def _permutation(self, source: str, epoch: int) -> np.ndarray:
        words = ["shuffle", source if source != "all" else "", f"from {self.start}" if self.start else ""]
        order = generator_of(self.seed, " ".join(filter(None, words)), epoch).permutation(len(self.sources[source]))
        return self.sources[source][order].astype(np.int32)


class DrawsTogether:
    """The draws of several runs whose steps have the same shapes. Threads draw for several runs at a time."""

    def __init__(self, runs: Sequence[Draws]):
        self.runs = runs
        # NumPy fills arrays beside other threads of Python.
        self._threads = ThreadPoolExecutor(thread_name_prefix="draws of a run")

    def take(self, first: int, steps: int) -> dict[str, np.ndarray]:
        """The numbers of steps first, first + 1, ...: name -> array (steps, runs, *shape)."""
        taken = empty(self.runs[0].draws, steps, len(self.runs))
        of_run = [{name: array[:, index] for name, array in taken.items()} for index in range(len(self.runs))]
        list(self._threads.map(lambda run, arrays: run.fill(arrays, first), self.runs, of_run))
        return taken
