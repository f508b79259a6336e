"""Every random number of training that is not a layer's own, made on the host by Philox keyed by (seed, purpose, step).

The numbers of a step depend on nothing else: not on the backend, the size of a chunk or where a run was resumed.
Source: Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3.
"""

import hashlib

import numpy as np

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


class _Stream:
    """The generators of one purpose, step by step: to move one is forty times quicker than to make one."""

    def __init__(self, seed: int, purpose: str):
        self._generator = generator_of(seed, purpose)
        self._start = self._generator.bit_generator.state

    def at(self, step: int) -> np.random.Generator:
        """As `generator_of(seed, purpose, step)`; the one before is no longer valid."""
        self._start["state"]["counter"][3] = step
        self._generator.bit_generator.state = self._start
        return self._generator


class Draws:
    """Draws for chunks of steps.

    Real images come from one endless row of permutations: each epoch is a new permutation of the data, and a batch that
    reaches the end of one goes on in the next, so every image is used once an epoch whatever the batch size.
    """

    def __init__(self, draws: dict[str, Draw], seed: int, count: int):
        """Args: draws: what a step needs; seed: of the run; count: number of training images."""
        self.draws, self.seed, self.count = draws, seed, count
        self.images_a_step = sum(draw.shape[0] for draw in draws.values() if draw.kind == "images")
        self._streams = {name: _Stream(seed, name) for name in draws}
        self._permutations: dict[int, np.ndarray] = {}

    def take(self, first: int, steps: int) -> dict[str, np.ndarray]:
        """The numbers of steps first, first + 1, ...: name -> array (steps, *shape); images are int32 indices."""
        taken = {}
        offset = 0
        for name, draw in self.draws.items():
            if draw.kind == "images":
                taken[name] = np.stack([self._indices(first + k, offset, draw.shape[0]) for k in range(steps)])
                offset += draw.shape[0]
            elif draw.kind == "labels" and draw.low == draw.high and not draw.flip:
                taken[name] = np.full((steps, *draw.shape), draw.low, np.float32)
            else:
                taken[name] = np.empty((steps, *draw.shape), np.float32)
                for k in range(steps):
                    self._fill(taken[name][k], draw, self._streams[name].at(first + k))
        return taken

    def _fill(self, numbers: np.ndarray, draw: Draw, generator: np.random.Generator) -> None:
        if draw.kind == "normal":
            generator.standard_normal(dtype=np.float32, out=numbers)
        else:
            numbers[:] = self._uniform(draw, generator)

    def _uniform(self, draw: Draw, generator: np.random.Generator) -> np.ndarray:
        numbers = draw.low + (draw.high - draw.low) * generator.random(draw.shape, dtype=np.float32)
        if draw.kind == "labels" and draw.flip:
            low, high = draw.flipped
            flipped = low + (high - low) * generator.random(draw.shape, dtype=np.float32)
            numbers = np.where(generator.random(draw.shape) < draw.flip, flipped, numbers)
        return numbers

    def _indices(self, step: int, offset: int, size: int) -> np.ndarray:
        place = step * self.images_a_step + offset
        indices = np.empty(size, np.int32)
        filled = 0
        while filled < size:
            epoch, start = divmod(place + filled, self.count)
            part = self._permutation(epoch)[start : start + size - filled]
            indices[filled : filled + len(part)] = part
            filled += len(part)
        return indices

    def _permutation(self, epoch: int) -> np.ndarray:
        if epoch not in self._permutations:
            self._permutations = {e: p for e, p in self._permutations.items() if e == epoch - 1}
            self._permutations[epoch] = (
                generator_of(self.seed, "shuffle", epoch).permutation(self.count).astype(np.int32)
            )
        return self._permutations[epoch]
