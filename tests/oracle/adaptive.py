"""APA's probability, after docs/config.md: it follows the signs of the discriminator's outputs for real images."""

from collections.abc import Mapping

import numpy as np

from tests.oracle.optimizers import learning_rate

_NAMES = [f"state/adaptive/{name}" for name in ("0000/probability", "0001/signs", "0002/seen")]


class Adaptive:
    """The probability between two batches. `options` are the config's, `arrays` a state's variables."""

    def __init__(self, options: dict, arrays: Mapping[str, np.ndarray]):
        self.options = options
        self.probability, self.signs, self.seen = (float(arrays[name]) for name in _NAMES)

    def state(self) -> dict[str, float]:
        return dict(zip(_NAMES, (self.probability, self.signs, self.seen), strict=True))

    def begin(self, step: int) -> None:
        if self.options["probability"] is not None:
            self.probability = learning_rate(self.options["probability"], step)

    def note(self, logits: np.ndarray) -> None:
        """Moves the probability when enough batches of real images are counted."""
        if self.options["probability"] is not None:
            return
        self.signs, self.seen = self.signs + np.sign(logits).sum(), self.seen + len(logits)
        if self.seen >= self.options["interval"] * len(logits):
            change = np.sign(self.signs / self.seen - self.options["target"]) * self.seen / self.options["images"]
            self.probability, self.signs, self.seen = min(max(self.probability + change, 0.0), 1.0), 0.0, 0.0
