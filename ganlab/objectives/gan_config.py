"""The keys of a GAN in a config: two networks, a loss, penalties and the order of updates."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ganlab.config.document import shown
from ganlab.config.fields import (
    Described,
    Flag,
    PositiveOrNull,
    located,
    one_of,
    whole,
    whole_or_null,
    without_schedule,
)
from ganlab.config.network import Network
from ganlab.config.schema import Config, Ends, Form, Train
from ganlab.objectives.loss_config import (
    Adaptive,
    ClassLoss,
    CodeLoss,
    Consistency,
    LatentConsistency,
    Lecam,
    Loss,
    Penalty,
    read_penalties,
    require_one_interval,
)
from ganlab.training.class_heads import HEADS
from ganlab.training.class_losses import CLASS_LOSSES
from ganlab.training.losses import LOSSES
from ganlab.training.stages import Column


class GanTrain(Train):
    """The number and the order of updates of both networks."""

    discriminator_steps: whole(1) = 1
    discriminator_batches: one_of("separate", "alternate", "joint") = "separate"
    discriminator_statistics: one_of("batch", "moving") = "batch"
    generator_steps: whole(1) = 1
    generator_batch_size: whole_or_null(1) = None
    share_latents: Flag = False
    simultaneous: Flag = False

    @model_validator(mode="after")
    def _options_fit_together(self) -> "GanTrain":
        shared, both, size = "share_latents: true", "simultaneous: true", self.batch_size
        rules = (
            (self.share_latents, "generator_steps", (1,), f"1 generator step with {shared}"),
            (
                self.share_latents,
                "generator_batch_size",
                (None, size),
                f"{size} (the batch_size) or null with {shared}",
            ),
            (self.simultaneous, "generator_batch_size", (None, size), f"{size} (the batch_size) or null with {both}"),
            (self.simultaneous, "discriminator_steps", (1,), f"1 with {both}"),
            (self.simultaneous, "generator_steps", (1,), f"1 with {both}"),
            (self.simultaneous, "discriminator_batches", ("separate", "joint"), f"separate or joint with {both}"),
        )
        for applies, key, allowed, words in rules:
            if applies and (received := getattr(self, key)) not in allowed:
                raise located(f"expected {words}, received {shown(received)}", (key,))
        return self


class GanConfig(Config):
    """One experiment with a generator against a discriminator."""

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    IS_CHAIN: ClassVar[bool] = True

    objective: one_of("gan") = "gan"
    generator: Network
    discriminator: Network
    loss: Annotated[Loss, Described(f"one of {', '.join(LOSSES)}"), BeforeValidator(Loss.read)]
    class_loss: Annotated[ClassLoss, BeforeValidator(ClassLoss.read)] = ClassLoss(name="cross_entropy")
    code_loss: CodeLoss = CodeLoss()
    penalty: Annotated[
        dict[str, Penalty], BeforeValidator(read_penalties), AfterValidator(require_one_interval), Field({})
    ]
    lecam: Lecam = Lecam()
    consistency: Consistency = Consistency()
    latent_consistency: LatentConsistency = LatentConsistency()
    adaptive: Adaptive = Adaptive()
    clip_weights: PositiveOrNull = None
    train: GanTrain

    @model_validator(mode="after")
    def _alternate_batches_stand_alone(self) -> "GanConfig":
        reasons = {
            "a penalty": self.penalty,
            f"the loss {self.loss.name}": LOSSES[self.loss.name].real is None,
            "lecam": self.lecam.weight,
            "consistency": self.consistency.is_used,
            "latent_consistency": self.latent_consistency.weight,
            "adaptive": self.adaptive.method != "none",
        }
        reason = next((name for name, applies in reasons.items() if applies), None)
        if self.train.discriminator_batches == "alternate" and reason:
            message = f"expected separate or joint with {reason}, received 'alternate'"
            raise located(message, ("train", "discriminator_batches"))
        return self

    @model_validator(mode="after")
    def _near_latents_are_seen_alike(self) -> "GanConfig":
        if self.latent_consistency.weight and self.adaptive.method == "ada":
            message = "expected 0 with 'adaptive: {method: ada}', which changes the images of near latents differently"
            raise located(message, ("latent_consistency", "weight"))
        return self

    @model_validator(mode="after")
    def _class_losses_are_for_auxiliary_heads(self) -> "GanConfig":
        if self.labels != "auxiliary" and self.class_loss != ClassLoss(name="cross_entropy"):
            message = f"expected only with 'labels: auxiliary', received with 'labels: {self.labels}'"
            raise located(message, ("class_loss",))
        return self

    @property
    def reads_labels(self) -> bool:
        return super().reads_labels or LOSSES[self.loss.name].reads_labels

    def ends(self, form: Form | None) -> dict[str, Ends]:
        shape, classes = (form.shape, form.classes) if form else (None, None)
        shared = self.context(form)
        name, loss = self.loss.name, LOSSES[self.loss.name]
        if form and classes is None and (loss.reads_labels or self.labels != "none"):
            key, reader = ("loss", f"the loss {name}") if loss.reads_labels else ("labels", self.labels)
            raise self.error_at((key,), f"{reader} reads labels, and {self.data.name} has none")
        outputs = loss.outputs(classes) if form else 1  # without data no discriminator is built
        codes = self.latent.codes
        if form and self.labels in HEADS:
            if outputs > 1:
                raise self.error_at(
                    ("labels",), f"expected none with the loss {name}, which has class outputs of its own"
                )
            of_class = CLASS_LOSSES[self.class_loss.name].outputs(classes)
            outputs = None if of_class is None else of_class + 1  # an embedding has any number of outputs
            plain = self.class_loss.name == "cross_entropy"
            name = f"labels: {self.labels}" if plain else f"class_loss: {self.class_loss.name}"
        any_number = f"1 + {CLASS_LOSSES[self.class_loss.name].parts} n"
        what = "one number an image" if outputs == 1 else f"{outputs or any_number} numbers an image, as {name} needs"
        if codes:
            what += f", and {codes} more for codes"
            outputs = None if outputs is None else outputs + codes
        return {
            "generator": Ends({"input": (self.latent.size,), **shared}, shape, f"the shape of {self.data.name}"),
            "discriminator": Ends({"input": shape, **shared}, (outputs,), what),
        }

    def columns(self) -> tuple[Column, ...]:
        measured = list(LOSSES[self.loss.name].columns())
        if self.labels in HEADS:
            measured.append(CLASS_LOSSES[self.class_loss.name].measure[0])
        of_codes = {"mutual_information": self.latent.categorical, "code_error": self.latent.continuous}
        measured += [column for column, codes in of_codes.items() if codes]
        regularized = {
            "penalty": self.penalty,
            "lecam": self.lecam.weight,
            "consistency": self.consistency.is_used,
            "latent_consistency": self.latent_consistency.weight,
            "latent_distance": self.latent_consistency.generator_weight,
            "adaptive_probability": self.adaptive.method != "none",
        }
        names = ("d_loss", "g_loss", *measured, *(name for name, applies in regularized.items() if applies))
        ordered = sorted(dict.fromkeys(names), key=lambda name: not name.endswith("loss"))
        return tuple(Column(name, optional=name == "penalty") for name in ordered)

    def rows_a_step(self) -> int:
        """A batch for each discriminator step, and one for each generator step if its loss reads real images."""
        train = self.train
        rows = train.batch_size * train.discriminator_steps
        if LOSSES[self.loss.name].needs_real and not self.shares_latents:
            rows += (train.generator_batch_size or train.batch_size) * train.generator_steps
        return rows

    @property
    def shares_latents(self) -> bool:
        """Whether the generator's update uses the images of the last discriminator update."""
        return self.train.share_latents or self.train.simultaneous

    def hyperparameters(self) -> dict[str, Any]:
        weights = {name: without_schedule(penalty.weight) for name, penalty in self.penalty.items()}
        penalties = [
            f"{name}({weight if isinstance(weight, str) else f'{weight:g}'})" for name, weight in weights.items()
        ]
        return {
            "discriminator_steps": self.train.discriminator_steps,
            "loss": self.loss.name,
            "clip_weights": self.clip_weights,
            "penalty": ", ".join(penalties) or None,
        }
