"""What a GAN does to the discriminator's images and outputs in its own update: LeCam, both consistencies, ADA and APA."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ganlab.objectives.batches import Batches
from ganlab.objectives.gan_config import GanConfig
from ganlab.training.losses import Judged
from ganlab.training.regularizers import consistency, lecam
from ganlab.training.stages import Compute, Values

if TYPE_CHECKING:
    from ganlab.models.building import Models

Tensor = Any


def near_of(fake: str) -> str:
    """The name of the images that are generated from latents near those of a batch."""
    return f"{fake}_near"


class Regularizers:
    """The regularizers of one config.

    Args:
        config, models: of the run.
        judge: (values, images, labels) -> the discriminator's outputs for images.
    """

    def __init__(self, config: GanConfig, models: "Models", judge: Callable):
        self.config, self.judge = config, judge
        self.averages, self.changes, self.adaptive = models.output_averages, models.augmentation, models.adaptive

    @property
    def state(self) -> dict[str, Any]:
        """Owner -> the object that has the variables, or None."""
        return {"lecam": self.averages, "consistency": self.changes, "adaptive": self.adaptive}

    def beginning(self) -> tuple[Compute, ...]:
        """The stage before all others, if there is one: of an adaptive probability that follows a schedule."""
        if not self.adaptive or not callable(self.adaptive.fixed):
            return ()

        def begin(values: Values) -> Values:
            self.adaptive.begin(values["step"])
            return {}

        return (Compute(begin),)

    @property
    def passes(self) -> int:
        """How many batches more than two go through the discriminator in one of its updates."""
        images, latents = self.config.consistency, self.config.latent_consistency
        return sum(weight > 0 for weight in (images.weight, images.fake_weight, latents.weight))

    def seen(self, images: Tensor) -> Tensor:
        """The images as the discriminator sees them: with ADA, after random changes."""
        return self.adaptive.augmented(images) if self.config.adaptive.method == "ada" else images

    def deceive(self, real: str, fake: str, batches: Batches) -> tuple[str, Compute]:
        """APA's batch, a real one in which generated images take the place of some: (its name, the stage that makes it).

        The images bring their labels. The generator's update reads the real batch as it was.

        Raises: ConfigError if the step reads labels of real images, and generated images have none.
        """
        mixed, numbers = f"{real}_mixed", batches.draw(f"deceived_{real}", "uniform", self.config.train.batch_size)
        parts = [""]
        if "labels" in batches.draws[real].arrays:
            if not batches.takes_labels:
                message = "expected none or ada: apa takes generated images for real ones, and they have no labels here"
                raise self.config.error_at(("adaptive", "method"), message)
            parts.append(".labels")

        def mix(values: Values) -> Values:
            pairs = {mixed + part: (values[real + part], values[fake + part]) for part in parts}
            return {name: self.adaptive.deceived(*pair, values[numbers]) for name, pair in pairs.items()}

        return mixed, Compute(mix)

    def terms(self, values: Values, judged: dict[str, Judged]) -> Iterator[tuple[str, Tensor | None, Tensor]]:
        """(column, term of the discriminator's loss or None, log) of each, for a real and a generated batch by name."""
        of_real, of_fake = (batch.logits for batch in judged.values())
        if self.averages:
            self.averages.move(of_real, of_fake, values["step"])
            averages = (variable.value for variable in self.averages.variables)
            value = self.config.lecam.weight * lecam(of_real, of_fake, *averages)
            yield "lecam", value, value
        if self.changes:
            weights = self.config.consistency.weight, self.config.consistency.fake_weight
            value = sum(
                weight * consistency(batch.logits, self._changed(values, batch))
                for weight, batch in zip(weights, judged.values(), strict=True)
                if weight
            )
            yield "consistency", value, value
        if weight := self.config.latent_consistency.weight:
            _, (fake, batch) = judged.items()
            near = self.judge(values, values[near_of(fake)], batch.labels)
            value = weight * consistency(batch.logits, near.logits)
            yield "latent_consistency", value, value
        if self.adaptive:
            # A product is a copy; the variable itself would show the value after `note`.
            yield "adaptive_probability", None, 1.0 * self.adaptive.probability
            self.adaptive.note(of_real)

    def _changed(self, values: Values, batch: Judged) -> Tensor:
        """The logits of a batch after random changes of what the discriminator saw."""
        return self.judge(values, self.changes(batch.images, training=True), batch.labels).logits
