"""Evolutionary GAN (Wang et al. 2018, arXiv 1803.00657): children of the generator by several losses; the fittest survives.

A step moves the discriminator as for a GAN. Then each mutation moves the same parent by one update, and the discriminator judges
the children: algorithm 1 of the paper with one parent.
"""

from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from ganlab.config.document import shown
from ganlab.config.fields import Described, Name, Section, described, located, one_of
from ganlab.config.layers import normalise_choice
from ganlab.config.schema import Latent
from ganlab.objectives.gan import Gan
from ganlab.objectives.gan_config import GanConfig, GanTrain
from ganlab.objectives.inputs import without_codes
from ganlab.objectives.loss_config import LatentConsistency, Loss
from ganlab.training import ops
from ganlab.training.losses import LOSSES, Judged, sigmoid_cross_entropy
from ganlab.training.stages import Column, Compute, Gradient, Logs, Stage, Update, Values

Tensor = Any


# Section "Mutations" of the paper: functions of the discriminator's logits (batch, 1) for a child's images.
MUTATIONS = {
    "minimax": lambda logits: LOSSES["minimax"].generator(None, Judged(logits)),  # E log(1 - D(G(z)))
    "non_saturating": lambda logits: LOSSES["non_saturating"].generator(None, Judged(logits)),  # -E log D(G(z))
    # E (D(G(z)) - 1)^2. D is a probability here, unlike in the loss of this name.
    "least_squares": lambda logits: ops.mean(ops.square(ops.sigmoid(logits) - 1.0)),
}


class EvolutionaryOptions(Section):
    """The options of the objective."""

    mutations: described(
        Annotated[list[one_of(*MUTATIONS)], Field(min_length=1)], f"a list of one or more of {', '.join(MUTATIONS)}"
    ) = Field([*MUTATIONS])
    # The authors' CIFAR-10 program adds 0.002 times the logarithm of the squared norm.
    diversity_weight: described(Annotated[float, Field(ge=0)], "a number >= 0") = 0.004


class EvolutionaryObjective(Section):
    """`objective: evolutionary` or `objective: {evolutionary: {options}}`."""

    evolutionary: EvolutionaryOptions


def _read_objective(value: Any) -> Any:
    words = "evolutionary or {evolutionary: {options}}"
    return value if isinstance(value, EvolutionaryObjective) else normalise_choice(value, words)


class EvolutionaryConfig(GanConfig):
    """One experiment with a generator that evolves against a discriminator."""

    family: Name = "E-GAN"
    objective: Annotated[EvolutionaryObjective, BeforeValidator(_read_objective)]
    loss: Annotated[Loss, Described("minimax"), BeforeValidator(Loss.read)]

    @field_validator("loss")
    @classmethod
    def _discriminator_tells_probabilities(cls, loss: Loss) -> Loss:
        if loss.name != "minimax":
            words = "expected minimax, the discriminator's loss with the objective evolutionary"
            raise located(f"{words}, received '{loss.name}'")
        return loss

    @field_validator("labels")
    @classmethod
    def _without_class_heads(cls, labels: str) -> str:
        if labels not in ("none", "conditional"):
            raise located(f"expected none or conditional with the objective evolutionary, received '{labels}'")
        return labels

    @field_validator("latent")
    @classmethod
    def _without_codes(cls, latent: Latent) -> Latent:
        return without_codes(latent, "evolutionary, whose mutations have no loss for codes")

    @field_validator("train")
    @classmethod
    def _one_update_a_child(cls, train: GanTrain) -> GanTrain:
        for key, allowed in (("generator_steps", 1), ("share_latents", False), ("simultaneous", False)):
            if (received := getattr(train, key)) != allowed:
                words = f"expected {str(allowed).lower()} with the objective evolutionary"
                raise located(f"{words}, received {str(received).lower()}", (key,))
        return train

    @field_validator("latent_consistency")
    @classmethod
    def _of_the_discriminator_alone(cls, latent_consistency: LatentConsistency) -> LatentConsistency:
        if latent_consistency.generator_weight:
            words = "expected 0 with the objective evolutionary, whose mutations have no such term"
            raise located(f"{words}, received {shown(latent_consistency.generator_weight)}", ("generator_weight",))
        return latent_consistency

    def columns(self) -> tuple[Column, ...]:
        return (*super().columns(), *map(Column, ("mutation", "fitness", "fitness_diversity")))

    def rows_a_step(self) -> int:
        """As for a GAN, and one batch beside which the children are judged."""
        return super().rows_a_step() + self.train.batch_size

    def hyperparameters(self) -> dict[str, Any]:
        options = self.objective.evolutionary
        mutations = {"mutations": ", ".join(options.mutations), "diversity_weight": options.diversity_weight}
        return super().hyperparameters() | {"objective": "evolutionary", **mutations}


class EvolutionaryGan(Gan):
    """The stages of discriminator turns, then of a generation: children, their fitness, and the choice."""

    def generator_turns(self) -> list[Stage]:
        options, size = self.config.objective.evolutionary, self.train.batch_size
        real, judging = self.batches.real("judged_real", size), self.batches.generated("judged", size)
        both = Update(("discriminator",), partial(self.judge_child, real), 2 * size)
        stages: list[Stage] = [Compute(lambda values: {"parent": self.copied()})]
        last = len(options.mutations) - 1
        for number, name in enumerate(options.mutations):
            child = f"child_{number}"
            stages += [
                Compute(lambda values: self.assign(values["parent"])),
                *self.batches.generated(child, self.generator_batch),
                self.mutation(name, child, number == last),
                *judging,
                Gradient("slopes", both),
                Compute(partial(self.weigh, child)),
            ]
        return [*stages, Compute(self.choose, ("g_loss", "d_generator", "mutation", "fitness", "fitness_diversity"))]

    @property
    def evolving(self) -> list:
        """The variables of the generator and of its optimizer. Seeds of random layers are none: each child drops other units."""
        return [*self.generator.model.weights, *self.models.optimizers["generator"].variables]

    def copied(self) -> list[Tensor]:
        return [ops.copy(ops.convert_to_tensor(variable)) for variable in self.evolving]

    def assign(self, copies: list[Tensor]) -> Values:
        for variable, value in zip(self.evolving, copies, strict=True):
            variable.assign(value)
        return {}

    def mutation(self, name: str, child: str, is_last: bool) -> Update:
        """One update of the generator by one of MUTATIONS."""
        moving = self.train.discriminator_statistics == "moving"

        def loss(values: Values, with_lazy: bool) -> tuple[Tensor, Logs]:
            return MUTATIONS[name](self.judged(values, child, moving=moving).logits), {}

        return Update(("generator",), loss, self.generator_batch, through=child, counts=is_last)

    def judge_child(self, real: str, values: Values, with_lazy: bool) -> tuple[Tensor, Logs]:
        """The discriminator's loss of a real batch and of a child's images; the diversity reads its gradient."""
        of_real, of_fake = self.judged(values, real), self.judged(values, "judged")
        loss = sigmoid_cross_entropy(of_real.logits, 1.0) + sigmoid_cross_entropy(of_fake.logits, 0.0)
        quality = ops.mean(ops.sigmoid(of_fake.logits))  # E D(G(z))
        return loss, {"quality": quality, "child_loss": MUTATIONS["non_saturating"](of_fake.logits)}

    def weigh(self, child: str, values: Values) -> Values:
        """Keeps a child and its fitness: quality + diversity_weight * diversity, section "Evaluation" of the paper."""
        squares = [ops.sum(ops.square(ops.cast(part, "float32"))) for part in values["slopes"] if part is not None]
        # -log of the gradient's norm. The bound keeps it finite when the gradient underflows.
        diversity = -0.5 * ops.log(ops.maximum(ops.sum(ops.stack(squares)), 1e-24))
        fitness = values["quality"] + self.config.objective.evolutionary.diversity_weight * diversity
        return {child: (self.copied(), ops.stack([values["child_loss"], fitness, values["quality"], diversity]))}

    def choose(self, values: Values) -> Values:
        """Goes on with the fittest child. A child whose fitness is not a number loses."""
        children = [values[f"child_{number}"] for number in range(len(self.config.objective.evolutionary.mutations))]
        scores = ops.stack([score for _, score in children])
        fitness = scores[:, 1]
        best = ops.argmax(ops.where(ops.isnan(fitness), -float("inf"), fitness))
        versions = zip(*(copies for copies, _ in children), strict=True)
        self.assign([ops.take(ops.stack(each), best, axis=0) for each in versions])
        for action in self.after_generator:
            action(values)
        g_loss, best_fitness, quality, diversity = ops.unstack(ops.take(scores, best, axis=0))
        return {
            "g_loss": g_loss,
            "d_generator": quality,
            "mutation": ops.cast(best + 1, "float32"),
            "fitness": best_fitness,
            "fitness_diversity": diversity,
        }
