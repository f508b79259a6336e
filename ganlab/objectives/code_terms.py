"""The code term: what the codes of InfoGAN add to the losses of both networks."""

from typing import Any

from ganlab.objectives.gan_config import GanConfig
from ganlab.training.code_losses import categorical_loss, continuous_loss, mutual_information
from ganlab.training.losses import Judged

Tensor = Any


class CodeTerm:
    """The losses of a config's codes. Both networks learn them from generated images, whose codes are known."""

    def __init__(self, config: GanConfig):
        self.sizes, self.continuous = config.latent.categorical, config.latent.continuous
        self.weights = config.code_loss

    def discriminator(self, side: str, judged: Judged) -> tuple[Tensor | None, dict[str, Tensor]]:
        """(the term of one side of the discriminator's loss, or None; logs)."""
        return (None, {}) if side == "real" else self._term(judged)

    def generator(self, judged: Judged) -> Tensor:
        """The term of the generator's loss."""
        return self._term(judged)[0]

    def _term(self, judged: Judged) -> tuple[Tensor, dict[str, Tensor]]:
        outputs, codes, first = judged.code_outputs, judged.codes, sum(self.sizes)
        value, logs = 0.0, {}
        if self.sizes:
            loss = categorical_loss(outputs, codes, self.sizes)
            value, logs["mutual_information"] = self.weights.categorical * loss, mutual_information(loss, self.sizes)
        if self.continuous:
            loss = continuous_loss(outputs[:, first:], codes[:, first:])
            value, logs["code_error"] = value + self.weights.continuous * loss, 2.0 * loss / self.continuous
        return value, logs
