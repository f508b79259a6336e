"""The stages of a GAN's step: the batches, the passes through both networks, the losses and the updates."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ganlab.objectives.averages import averaging
from ganlab.objectives.batches import Batches
from ganlab.objectives.class_terms import ClassTerm
from ganlab.objectives.code_terms import CodeTerm
from ganlab.objectives.gan_config import GanConfig
from ganlab.objectives.inputs import fading, inputs_of
from ganlab.objectives.regularizers import Regularizers, near_of
from ganlab.training import ops
from ganlab.training.class_heads import HEADS, split_outputs
from ganlab.training.losses import LOSSES, Judged
from ganlab.training.penalties import PENALTIES
from ganlab.training.regularizers import latent_distance
from ganlab.training.stages import Logs, Objective, Pass, Stage, Together, Update, Values

if TYPE_CHECKING:
    from ganlab.models.building import Models

Tensor = Any


def clip_weights(network: Any, limit: float, values: Values) -> None:
    """Clips every trainable weight to [-limit, limit] (Arjovsky et al. 2017, algorithm 1)."""
    for variable in network.trainable_variables:
        variable.assign(ops.clip(variable, -limit, limit))


class Gan:
    """The stages of discriminator turns, then of generator turns, from `config.train`. A subclass has other generator turns.

    `input_gradient` is the backend's gradient of a critic at points, for penalties.
    """

    def __init__(self, config: GanConfig, models: "Models", input_gradient: Callable):
        self.config, self.train, self.models = config, config.train, models
        self.generator, self.discriminator = models.networks["generator"], models.networks["discriminator"]
        self.batches = Batches(config, models)
        self.loss = LOSSES[config.loss.name]
        self.balancing, self.regularizers = models.balancing, Regularizers(config, models, self.judge)
        if config.labels in ("auxiliary", "balanced") and "labels" not in self.generator.inputs:
            message = f"'{config.labels}' needs a layer of the generator that takes labels, such as Labels"
            raise config.error_at(("labels",), message)
        if config.labels == "conditional" and not self.batches.takes_labels:
            message = (
                "'conditional' needs a layer that takes labels, such as Labels; without one the GAN is unconditional"
            )
            raise config.error_at(("labels",), message)
        of_classes = [ClassTerm(config, models)] if config.labels in HEADS else []
        self.terms = [*of_classes, *([CodeTerm(config)] if config.latent.codes else [])]
        self.features = [config.loss.layer] if config.loss.layer else []
        if self.features and config.loss.layer not in self.discriminator.features:
            named = ", ".join(self.discriminator.features) or "no layer"
            message = f"no layer of the discriminator has this name; named there: {named}"
            raise config.error_at(("loss", config.loss.name, "layer"), message)
        self.penalties = [
            (PENALTIES[name], options.every, models.over_steps(("penalty", name, "weight"), options.weight))
            for name, options in config.penalty.items()
        ]
        self.lazy_every = max([every for _, every, _ in self.penalties], default=1)
        self.input_gradient = input_gradient
        clip = config.clip_weights
        self.after_discriminator = () if clip is None else (partial(clip_weights, self.discriminator, clip),)
        self.after_generator = averaging(config, models, "generator")

    def objective(self) -> Objective:
        config, models = self.config, self.models

        def rebuilt(networks: dict) -> Objective:
            return type(self)(config, dataclasses.replace(models, networks=networks), self.input_gradient).objective()

        return Objective(
            models.networks,
            models.optimizers,
            (*fading(models), *self.regularizers.beginning(), *self.stages()),
            self.batches.draws,
            config.columns(),
            models.averages,
            self.state,
            begin=self.balancing and self.balancing.begin,
            rebuild=rebuilt,
        )

    @property
    def state(self) -> dict[str, list]:
        """Variables that training changes beside networks and optimizers."""
        owners = {"balancing": self.balancing, **self.regularizers.state}
        return {name: owner.variables for name, owner in owners.items() if owner}

    # The networks speak bfloat16 under mixed precision; losses and images are float32.
    def judge(self, values: Values, images: Tensor, labels: Tensor | None, moving: bool = False) -> Judged:
        taken = inputs_of(self.discriminator, values, images, self.batches.one_hot(labels))
        outputs = self.discriminator.run(taken, training=True, features=self.features, moving=moving)
        features = {name: ops.cast(outputs[name], "float32") for name in self.features}
        parts = split_outputs(ops.cast(outputs["output"], "float32"), self.config.labels, self.config.latent.codes)
        logits, class_outputs, code_outputs = parts
        return Judged(logits, None, labels, features, class_outputs, code_outputs, images=images)

    def judged(self, values: Values, name: str, targets: str | None = None, moving: bool = False) -> Judged:
        """The outputs for a batch, real or generated."""
        judged = self.judge(values, self.regularizers.seen(values[name]), values.get(f"{name}.labels"), moving)
        return self.known(values, judged, name, targets)

    def known(self, values: Values, judged: Judged, name: str, targets: str | None) -> Judged:
        """The outputs with the targets and the codes of their batch."""
        drawn = None if targets is None else values[targets]
        return dataclasses.replace(judged, targets=drawn, codes=values.get(f"codes_{name}"))

    def stages(self) -> list[Stage]:
        turns = [self.discriminator_turn(turn) for turn in range(self.train.discriminator_steps)]
        stages = [stage for turn in turns for stage in turn]
        if not self.config.shares_latents:
            return stages + self.generator_turns()
        last = self.train.discriminator_steps - 1
        generator = self.generator_update(f"fake_{last}", f"real_{last}" if self.loss.needs_real else None)
        if self.train.simultaneous:
            *before, discriminator = stages
            return [*before, Together((discriminator, generator))]
        return [*stages, generator]

    def discriminator_turn(self, turn: int) -> list[Stage]:
        """One turn of the discriminator: its passes and updates."""
        config, size = self.config, self.train.batch_size
        real, fake = self.batches.real(f"real_{turn}", size), f"fake_{turn}"
        generated = self.batches.generated(fake, size)
        targets = {side: self.batches.targets(turn, side) for side in ("real", "fake")}
        labelled = self.batches.labelled(turn, real)
        if self.train.discriminator_batches == "alternate":
            of_real = self.one_side("real", real, targets["real"], labelled)
            of_fake = self.one_side("fake", fake, targets["fake"], labelled)
            return [of_real, *generated, of_fake]
        mixing = [self.draw_mixing(turn, penalty.mixing) for penalty, *_ in self.penalties]
        after = self.after_discriminator
        if config.latent_consistency.weight:
            generated.append(Pass(near_of(fake), "generator", self.batches.near(fake, size), size))
        if config.adaptive.method == "apa":
            mixed, stage = self.regularizers.deceive(real, fake, self.batches)
            generated.append(stage)
            real, labelled = mixed, mixed if labelled == real else labelled
        loss = partial(self.both_sides, real, fake, labelled, targets, mixing)
        passes = 2 + self.regularizers.passes
        return [*generated, Update(("discriminator",), loss, passes * size, lazy_every=self.lazy_every, after=after)]

    def draw_mixing(self, turn: int, mixing: str | None) -> str | None:
        shape = {None: None, "sample": (1,), "value": self.discriminator.input_shape}[mixing]
        return shape and self.batches.draw(f"mixing_{mixing}_{turn}", "uniform", self.train.batch_size, *shape)

    def with_terms(
        self, values: Values, side: str, loss: Tensor, judged: Judged, real: str, labelled: str
    ) -> tuple[Tensor, dict]:
        """(the discriminator's loss with the further terms of one side, their logs)."""
        if side == "real" and labelled != real:
            judged = self.judged(values, labelled)
        logs: dict[str, Tensor] = {}
        for term in self.terms:
            value, more = term.discriminator(side, judged)
            loss, logs = loss if value is None else loss + value, logs | more
        return loss, logs

    def one_side(self, side: str, images: str, targets: str | None, labelled: str) -> Update:
        def loss(values: Values, with_lazy: bool) -> tuple[Tensor, Logs]:
            judged = self.judged(values, images, targets)
            value = getattr(self.loss, side)(judged)
            value, logs = self.with_terms(values, side, value, judged, images, labelled)
            return value, {f"d_loss/{side}": value, **self.loss.logs(side, judged), **logs}

        return Update(("discriminator",), loss, self.train.batch_size, after=self.after_discriminator)

    def both_sides(
        self, real: str, fake: str, labelled: str, targets: dict, mixing: list, values: Values, with_lazy: bool
    ) -> tuple[Tensor, Logs]:
        if self.train.discriminator_batches == "joint":
            of_real, of_fake = self.in_one_pass(values, real, fake, targets)
        else:
            of_real, of_fake = self.judged(values, real, targets["real"]), self.judged(values, fake, targets["fake"])
        loss = self.loss.discriminator(of_real, of_fake)
        logs = self.loss.logs("real", of_real) | self.loss.logs("fake", of_fake)
        for side, judged in (("real", of_real), ("fake", of_fake)):
            loss, more = self.with_terms(values, side, loss, judged, real, labelled)
            logs |= more
        logs["d_loss"] = loss
        seen = self.regularizers.seen
        for (penalty, every, weight), name in zip(self.penalties, mixing, strict=True):
            if every > 1 and not with_lazy:
                continue
            labels = (of_real if penalty.labels == "real" else of_fake).labels
            critic = lambda points, labels=labels: self.judge(values, seen(points), labels).logits  # noqa: E731
            numbers = None if name is None else values[name]
            value = penalty.function(critic, values[real], values[fake], numbers, self.input_gradient)
            factor = weight(values["step"])
            loss = loss + factor * every * value
            logs["penalty"] = logs.get("penalty", 0.0) + factor * value
        if self.penalties and "penalty" not in logs:
            logs["penalty"] = ops.not_a_number()  # not measured in this step, which is not zero
        for name, term, log in self.regularizers.terms(values, {real: of_real, fake: of_fake}):
            loss, logs[name] = loss if term is None else loss + term, log
        return loss, logs

    def in_one_pass(self, values: Values, real: str, fake: str, targets: dict) -> tuple[Judged, Judged]:
        size = self.train.batch_size
        labels = values.get(f"{real}.labels"), values.get(f"{fake}.labels")
        both = ops.concatenate(labels) if self.batches.takes_labels else None
        images = self.regularizers.seen(ops.concatenate([values[real], values[fake]]))
        judged = self.judge(values, images, both)

        def part(rows: slice, labels: Tensor | None, name: str, side: str) -> Judged:
            cut = lambda tensor: None if tensor is None else tensor[rows]  # noqa: E731
            features = {key: feature[rows] for key, feature in judged.features.items()}
            outputs = cut(judged.class_outputs), cut(judged.code_outputs)
            half = Judged(judged.logits[rows], None, labels, features, *outputs, images=images[rows])
            return self.known(values, half, name, targets[side])

        return part(slice(size), labels[0], real, "real"), part(slice(size, None), labels[1], fake, "fake")

    def generator_update(self, fake: str, real: str | None) -> Update:
        moving = self.train.discriminator_statistics == "moving"
        weight = self.config.latent_consistency.generator_weight
        near = self.batches.near(fake, self.generator_batch) if weight else None

        def loss(values: Values, with_lazy: bool) -> tuple[Tensor, Logs]:
            of_real = None if real is None else self.judged(values, real, moving=moving)
            of_fake = self.judged(values, fake, moving=moving)
            value = self.loss.generator(of_real, of_fake)
            for term in self.terms:
                more = term.generator(of_fake)
                value = value if more is None else value + more
            logs = self.loss.logs("generator", of_fake)
            if near is not None:
                images = ops.cast(self.generator(near(values), training=True), "float32")
                logs["latent_distance"] = latent_distance(values[fake], images)
                value = value - weight * logs["latent_distance"]
            return value, logs | {"g_loss": value}

        return Update(("generator",), loss, self.generator_batch, through=fake, after=self.after_generator)

    @property
    def generator_batch(self) -> int:
        return self.train.generator_batch_size or self.train.batch_size

    def generator_turns(self) -> list[Stage]:
        stages: list[Stage] = []
        for turn in range(self.train.generator_steps):
            real, fake, size = f"generator_real_{turn}", f"generator_fake_{turn}", self.generator_batch
            real = self.batches.real(real, size) if self.loss.needs_real else None
            stages += [*self.batches.generated(fake, size), self.generator_update(fake, real)]
        return stages
