"""The batches of a GAN's step: the numbers that are drawn for them, and the stages that generate images."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganlab.objectives.gan_config import GanConfig
from ganlab.objectives.inputs import codes_draw, inputs_of, latents_draw
from ganlab.training import ops
from ganlab.training.class_heads import HEADS
from ganlab.training.losses import LOSSES
from ganlab.training.stages import Compute, Draw, Pass, Stage, Values

if TYPE_CHECKING:
    from ganlab.models.building import Models

Tensor = Any


class Batches:
    """Names the batches of a step and draws what they need.

    Attributes:
        draws: name -> random numbers of a step, for all batches that were asked for.
        takes_labels: whether some network takes labels.
    """

    def __init__(self, config: GanConfig, models: "Models"):
        self.config, self.size = config, config.train.batch_size
        self.generator, self.classes = models.networks["generator"], models.form.classes
        self.takes_labels = any("labels" in network.inputs for network in models.networks.values())
        self.loss, self.balancing = LOSSES[config.loss.name], models.balancing
        self.draws: dict[str, Draw] = {}

    def one_hot(self, labels: Tensor | None) -> Tensor | None:
        return None if labels is None else ops.one_hot(labels, self.classes)

    def draw(self, name: str, kind: str, *shape: int, **options: Any) -> str:
        self.draws[name] = Draw(kind, shape, **options)
        return name

    def real(self, name: str, size: int) -> str:
        """Draws a batch of real images, with labels if the step reads them; returns its name."""
        of_all = self.config.labels in HEADS and not self.reads_part
        labelled = self.takes_labels or self.loss.reads_labels or of_all
        return self._rows(name, size, arrays=("images", "labels") if labelled else ("images",))

    @property
    def reads_part(self) -> bool:
        """Whether only a part of the data has labels. This part has its own batch."""
        return self.config.data.labelled is not None

    def labelled(self, turn: int, real: str) -> str:
        """Draws the batch of the class term from the labelled part of the data, or takes the real batch; returns its name."""
        if self.config.labels not in HEADS or not self.reads_part:
            return real
        return self._rows(f"labelled_{turn}", self.size, source="labelled", arrays=("images", "labels"))

    def _rows(self, name: str, size: int, **options: Any) -> str:
        return self.draw(name, "rows", size, mirror=self.config.data.flip is not None, **options)

    def targets(self, turn: int, side: str) -> str | None:
        """Draws the targets of one side, if the loss has targets; returns their name."""
        if not self.loss.takes_targets:
            return None
        loss = self.config.loss
        own, other = (loss.real_label, loss.fake_label) if side == "real" else (loss.fake_label, loss.real_label)
        options = {"low": own[0], "high": own[1], "flip": loss.flip_labels, "flipped": other}
        return self.draw(f"{side}_labels_{turn}", "targets", self.size, 1, **options)

    def generated(self, name: str, size: int) -> list[Stage]:
        """The stages that generate a batch of this name, with labels if the networks take labels."""
        self.draws[f"latents_{name}"] = latents_draw(self.config, size)
        if self.config.latent.codes:
            self.draws[f"codes_{name}"] = codes_draw(self.config, size)
        before: list[Stage] = []
        after: list[Stage] = []
        if self.balancing:
            numbers = self.draw(f"classes_{name}", "uniform", size)
            before.append(Compute(lambda values: {f"{name}.drawn": self.balancing.drawn(values[numbers])}))
            after.append(Compute(lambda values: {f"{name}.labels": self.balancing.nearest(values[name])}))
        elif self.takes_labels:
            labels = self.draw(f"classes_{name}", "integers", size, high=self.classes)
            before.append(Compute(lambda values: dict.fromkeys((f"{name}.drawn", f"{name}.labels"), values[labels])))

        return [*before, Pass(name, "generator", lambda values: self._inputs(name, values), size), *after]

    def _inputs(self, name: str, values: Values, moved_by: Tensor | None = None) -> Any:
        """What the generator takes for a batch, its latents moved if wanted."""
        classes = self.one_hot(values.get(f"{name}.drawn"))
        latents, codes = values[f"latents_{name}"], values.get(f"codes_{name}")
        latents = latents if moved_by is None else latents + moved_by
        taken = latents if codes is None else ops.concatenate([latents, codes], axis=1)
        return inputs_of(self.generator, values, taken, classes)

    def near(self, name: str, size: int) -> Callable[[Values], Any]:
        """Draws numbers that move the latents of a generated batch a little; returns what the generator takes then."""
        numbers = self.draw(f"moved_{name}", "normal", size, self.config.latent.dim)
        deviation = self.config.latent_consistency.deviation
        return lambda values: self._inputs(name, values, deviation * values[numbers])
