"""The random numbers of a run, after the words of docs/config.md: NumPy's Philox, keyed by seed, purpose and step."""

import hashlib

import numpy as np


def generator(seed: int, purpose: str, step: int) -> np.random.Generator:
    key = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:16]
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little"), counter=[0, 0, 0, step]))


class Draws:
    """The numbers of one step after another.

    Args:
        seed: of the run.
        count: of training samples.
        rows_a_step: real samples that one step reads.
    """

    def __init__(self, seed: int, count: int, rows_a_step: int):
        self.seed, self.count, self.rows_a_step = seed, count, rows_a_step
        self.step = self.place = 0

    def begin(self, step: int) -> None:
        """Goes to a step, counted from 0."""
        self.step, self.place = step, step * self.rows_a_step

    def rows(self, size: int) -> np.ndarray:
        """The next samples: one permutation of all of them after another."""
        places = np.arange(self.place, self.place + size)
        self.place += size
        orders = {
            epoch: generator(self.seed, "shuffle", epoch).permutation(self.count) for epoch in set(places // self.count)
        }
        return np.array([orders[place // self.count][place % self.count] for place in places])

    def mirrored(self, images: np.ndarray) -> np.ndarray:
        """The batch that `rows` chose last, with a random half of its images mirrored."""
        chosen = generator(self.seed, "mirror all", self.step).random(self.rows_a_step) < 0.5
        end = self.place - self.step * self.rows_a_step
        return np.where(chosen[end - len(images) : end, None, None, None], images[:, :, ::-1], images)

    def latents(self, purpose: str, size: int, latent: dict) -> np.ndarray:
        numbers = generator(self.seed, purpose, self.step)
        if latent["distribution"] == "normal":
            return numbers.standard_normal((size, latent["dim"]), np.float32).astype(np.float64)
        return self.uniform(purpose, (size, latent["dim"])) * 2.0 - 1.0

    def codes(self, purpose: str, size: int, categorical: list[int], continuous: int) -> np.ndarray:
        """A one-hot vector for each categorical code, then numbers in [-1, 1)."""
        numbers = self.uniform(purpose, (size, len(categorical) + continuous))
        chosen = [np.eye(count)[np.floor(numbers[:, i] * count).astype(int)] for i, count in enumerate(categorical)]
        return np.concatenate([*chosen, 2.0 * numbers[:, len(categorical) :] - 1.0], 1)

    def uniform(self, purpose: str, shape: tuple[int, ...]) -> np.ndarray:
        """In [0, 1)."""
        return generator(self.seed, purpose, self.step).random(shape, np.float32).astype(np.float64)

    def classes(self, purpose: str, size: int, classes: int) -> np.ndarray:
        return generator(self.seed, purpose, self.step).integers(0, classes, size)

    def targets(self, purpose: str, size: int, own: tuple, other: tuple, flip: float) -> np.ndarray:
        """Targets between the ends of `own`, and a share `flip` between those of `other`: shape (size, 1)."""
        numbers = generator(self.seed, purpose, self.step)
        drawn = [own[0] + (own[1] - own[0]) * numbers.random((size, 1), np.float32).astype(np.float64)]
        if not flip:
            return drawn[0]
        drawn.append(other[0] + (other[1] - other[0]) * numbers.random((size, 1), np.float32).astype(np.float64))
        return np.where(numbers.random((size, 1)) < flip, drawn[1], drawn[0])
