"""The class term: what a discriminator with a class head adds to the losses of both networks."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganlab.objectives.gan_config import GanConfig
from ganlab.training.class_heads import HEADS
from ganlab.training.class_losses import CLASS_LOSSES
from ganlab.training.losses import Judged

if TYPE_CHECKING:
    from ganlab.models.building import Models

Tensor = Any


class ClassTerm:
    """The class loss of a config, for a head of its discriminator.

    Raises: ConfigError, located, if the networks do not fit the class loss.
    """

    def __init__(self, config: GanConfig, models: "Models"):
        self.head, self.loss = HEADS[config.labels], CLASS_LOSSES[config.class_loss.name]
        self.options = config.class_loss
        if self.loss.outputs(models.form.classes) is None:
            self._require_proxies(config, models)

    def _require_proxies(self, config: GanConfig, models: "Models") -> None:
        discriminator, name = models.networks["discriminator"], self.options.name
        if "labels" not in discriminator.inputs:
            message = "needs a layer of the discriminator that takes labels: the proxies, such as [Labels, Dense]"
            raise config.error_at(("class_loss", name), message)
        numbers = discriminator.output_shape[0] - config.latent.codes
        parts = self.loss.parts
        if numbers <= parts or numbers % parts != 1:
            last = config.discriminator.expanded()[-1]
            needed = f"1 + {parts} n: a logit, then embeddings and proxies, as class_loss: {name} needs"
            raise config.error_at((*last.path, last.kind), f"has {numbers} numbers for an image, expected {needed}")

    def discriminator(self, side: str, judged: Judged) -> tuple[Tensor | None, dict[str, Tensor]]:
        """(the term of one side of the discriminator's loss, or None; logs)."""
        column, measure = self.loss.measure
        if side == "real":
            return self._term(self.loss.real, judged), {column: measure(judged.class_outputs, judged.labels)}
        return self._term(self.loss.fake if self.head.of_fake else None, judged), {}

    def generator(self, judged: Judged) -> Tensor | None:
        """The term of the generator's loss, or None."""
        return self._term(self.loss.generator if self.head.of_fake else None, judged)

    def _term(self, term: Callable | None, judged: Judged) -> Tensor | None:
        return term and self.options.weight * term(judged.class_outputs, judged.labels, self.options)
