"""The stages of a GAN's step: the batches, the passes through both networks, the losses and the updates."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ganlab.objectives.averages import averaging
from ganlab.objectives.gan_config import GanConfig
from ganlab.objectives.inputs import draw_latents, fading, inputs_of
from ganlab.training import ops
from ganlab.training.class_heads import HEADS, class_accuracy, class_cross_entropy
from ganlab.training.losses import LOSSES, Judged
from ganlab.training.penalties import PENALTIES
from ganlab.training.stages import Compute, Draw, Objective, Pass, Stage, Together, Update, Values

if TYPE_CHECKING:
    from ganlab.models.building import Models

Tensor = Any


def clip_weights(network: Any, limit: float, values: Values) -> None:
    """Clips every trainable weight to [-limit, limit] (Arjovsky et al. 2017, algorithm 1)."""
    for variable in network.trainable_variables:
        variable.assign(ops.clip(variable, -limit, limit))


def gan_objective(config: GanConfig, models: "Models", input_gradient: Callable) -> Objective:
    """The stages of discriminator turns, then of generator turns, from `config.train`.

    `input_gradient` is the backend's gradient of a critic at points, for penalties.
    """
    return Gan(config, models, input_gradient).objective()


class Gan:
    """The stages of a generator and a discriminator under one config. A subclass has other turns of the generator."""

    def __init__(self, config: GanConfig, models: "Models", input_gradient: Callable):
        self.config, self.train, self.models = config, config.train, models
        self.generator, self.discriminator = models.networks["generator"], models.networks["discriminator"]
        self.classes = models.form.classes
        self.takes_labels = any("labels" in network.inputs for network in models.networks.values())
        self.loss = LOSSES[config.loss.name]
        self.head = HEADS.get(config.labels)
        self.balancing = models.balancing
        if config.labels in ("auxiliary", "balanced") and "labels" not in self.generator.inputs:
            message = f"'{config.labels}' needs a layer of the generator that takes labels, such as Labels"
            raise config.error_at(("labels",), message)
        self.features = [config.loss.layer] if config.loss.layer else []
        if self.features and config.loss.layer not in self.discriminator.features:
            named = ", ".join(self.discriminator.features) or "no layer"
            message = f"no layer of the discriminator has this name; named there: {named}"
            raise config.error_at(("loss", config.loss.name, "layer"), message)
        self.penalties = [(PENALTIES[name], options) for name, options in config.penalty.items()]
        self.lazy_every = max([options.every for _, options in self.penalties], default=1)
        self.input_gradient = input_gradient
        self.draws: dict[str, Draw] = {}
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
            (*fading(models), *self.stages()),
            self.draws,
            config.columns(),
            models.averages,
            self.state,
            begin=self.balancing and self.balancing.begin,
            rebuild=rebuilt,
        )

    @property
    def state(self) -> dict[str, list]:
        """Variables that training changes beside networks and optimizers."""
        return {"balancing": self.balancing.variables} if self.balancing else {}

    # The networks speak bfloat16 under mixed precision; losses and images are float32.
    def judge(
        self, values: Values, images: Tensor, labels: Tensor | None, targets: Tensor | None = None, moving: bool = False
    ) -> Judged:
        taken = inputs_of(self.discriminator, values, images, self.one_hot(labels))
        outputs = self.discriminator.run(taken, training=True, features=self.features, moving=moving)
        features = {name: ops.cast(outputs[name], "float32") for name in self.features}
        logits, class_logits = ops.cast(outputs["output"], "float32"), None
        if self.head:
            logits, class_logits = self.head.split(logits)
        return Judged(logits, targets, labels, features, class_logits)

    def one_hot(self, labels: Tensor | None) -> Tensor | None:
        return None if labels is None else ops.one_hot(labels, self.classes)

    def batch(self, values: Values, name: str) -> tuple[Tensor, Tensor | None]:
        """Images and labels of a batch, real or generated."""
        return values[name], values.get(f"{name}.labels")

    def judged(self, values: Values, name: str, targets: str | None = None, moving: bool = False) -> Judged:
        return self.judge(values, *self.batch(values, name), None if targets is None else values[targets], moving)

    def draw(self, name: str, kind: str, *shape: int, **options: Any) -> str:
        self.draws[name] = Draw(kind, shape, **options)
        return name

    def draw_real(self, name: str, size: int) -> str:
        labelled = self.takes_labels or self.loss.reads_labels or (self.head and not self.reads_part)
        return self.draw(name, "rows", size, arrays=("images", "labels") if labelled else ("images",))

    @property
    def reads_part(self) -> bool:
        """Whether only a part of the data has labels. This part has its own batch."""
        return self.config.data.labelled is not None

    def draw_labelled(self, turn: int, real: str) -> str:
        """Draws the batch of the class term from the labelled part of the data, or takes the real batch; returns its name."""
        if self.head is None or not self.reads_part:
            return real
        return self.draw(
            f"labelled_{turn}", "rows", self.train.batch_size, source="labelled", arrays=("images", "labels")
        )

    def draw_targets(self, turn: int, side: str) -> str | None:
        if not self.loss.takes_targets:
            return None
        loss = self.config.loss
        own, other = (loss.real_label, loss.fake_label) if side == "real" else (loss.fake_label, loss.real_label)
        options = {"low": own[0], "high": own[1], "flip": loss.flip_labels, "flipped": other}
        return self.draw(f"{side}_labels_{turn}", "targets", self.train.batch_size, 1, **options)

    def generate(self, name: str, size: int) -> list[Stage]:
        """The stages that generate a batch of this name, with labels if the networks take labels."""
        self.draws[f"latents_{name}"] = draw_latents(self.config, size)
        before: list[Stage] = []
        after: list[Stage] = []
        if self.balancing:
            numbers = self.draw(f"classes_{name}", "uniform", size)
            before.append(Compute(lambda values: {f"{name}.drawn": self.balancing.drawn(values[numbers])}))
            after.append(Compute(lambda values: {f"{name}.labels": self.balancing.nearest(values[name])}))
        elif self.takes_labels:
            labels = self.draw(f"classes_{name}", "integers", size, high=self.classes)
            before.append(Compute(lambda values: dict.fromkeys((f"{name}.drawn", f"{name}.labels"), values[labels])))

        def inputs(values: Values) -> Any:
            classes = self.one_hot(values.get(f"{name}.drawn"))
            return inputs_of(self.generator, values, values[f"latents_{name}"], classes)

        return [*before, Pass(name, "generator", inputs, size), *after]

    def stages(self) -> list[Stage]:
        turns = [self.discriminator_turn(turn) for turn in range(self.train.discriminator_steps)]
        stages = [stage for turn in turns for stage in turn]
        if not self.config.shares_latents:
            return stages + self.generator_turns()
        last = self.train.discriminator_steps - 1
        generator = self.generator_update(f"fake_{last}", f"real_{last}" if self.loss.needs_real else None)
        if self.train.simultaneous:
            return [*stages[:-1], Together((stages[-1], generator))]
        return [*stages, generator]

    def discriminator_turn(self, turn: int) -> list[Stage]:
        """One turn of the discriminator: its passes and updates."""
        size = self.train.batch_size
        real, fake = self.draw_real(f"real_{turn}", size), f"fake_{turn}"
        generated = self.generate(fake, size)
        targets = {side: self.draw_targets(turn, side) for side in ("real", "fake")}
        labelled = self.draw_labelled(turn, real)
        if self.train.discriminator_batches == "alternate":
            of_real = self.one_side("real", real, targets["real"], labelled)
            of_fake = self.one_side("fake", fake, targets["fake"], labelled)
            return [of_real, *generated, of_fake]
        mixing = [self.draw_mixing(turn, penalty.mixing) for penalty, _ in self.penalties]
        loss = partial(self.both_sides, real, fake, labelled, targets, mixing)
        after = self.after_discriminator
        return [*generated, Update(("discriminator",), loss, 2 * size, lazy_every=self.lazy_every, after=after)]

    def draw_mixing(self, turn: int, mixing: str | None) -> str | None:
        shape = {None: None, "sample": (1,), "value": self.discriminator.input_shape}[mixing]
        return shape and self.draw(f"mixing_{mixing}_{turn}", "uniform", self.train.batch_size, *shape)

    def class_term(
        self, values: Values, side: str, judged: Judged, real: str, labelled: str
    ) -> tuple[Tensor | None, dict]:
        """(the discriminator's loss for the classes of one side, if it has one; logs with the accuracy on labelled images)."""
        if self.head is None or (side == "fake" and not self.head.of_fake):
            return None, {}
        if side == "fake":
            return class_cross_entropy(judged.class_logits, judged.labels), {}
        if labelled != real:
            judged = self.judged(values, labelled)
        of_class = (judged.class_logits, judged.labels)
        return class_cross_entropy(*of_class), {"d_accuracy_class": class_accuracy(*of_class)}

    def one_side(self, side: str, images: str, targets: str | None, labelled: str) -> Update:
        def loss(values: Values, with_lazy: bool):
            judged = self.judged(values, images, targets)
            term, logs = self.class_term(values, side, judged, images, labelled)
            value = _total(getattr(self.loss, side)(judged), term)
            return value, {f"d_loss/{side}": value, **self.loss.logs(side, judged), **logs}

        return Update(("discriminator",), loss, self.train.batch_size, after=self.after_discriminator)

    def both_sides(
        self, real: str, fake: str, labelled: str, targets: dict, mixing: list, values: Values, with_lazy: bool
    ):
        if self.train.discriminator_batches == "joint":
            of_real, of_fake = self.in_one_pass(values, real, fake, targets)
        else:
            of_real, of_fake = self.judged(values, real, targets["real"]), self.judged(values, fake, targets["fake"])
        term_of_real, accuracy = self.class_term(values, "real", of_real, real, labelled)
        term_of_fake, _ = self.class_term(values, "fake", of_fake, real, labelled)
        loss = _total(self.loss.discriminator(of_real, of_fake), term_of_real, term_of_fake)
        logs = {"d_loss": loss, **self.loss.logs("real", of_real), **self.loss.logs("fake", of_fake), **accuracy}
        for (penalty, options), name in zip(self.penalties, mixing, strict=True):
            if options.every > 1 and not with_lazy:
                continue
            labels = (of_real if penalty.labels == "real" else of_fake).labels
            critic = lambda points, labels=labels: self.judge(values, points, labels).logits  # noqa: E731
            numbers = None if name is None else values[name]
            value = penalty.function(critic, values[real], values[fake], numbers, self.input_gradient)
            loss = loss + options.weight * options.every * value
            logs["penalty"] = logs.get("penalty", 0.0) + options.weight * value
        if self.penalties and "penalty" not in logs:
            logs["penalty"] = ops.not_a_number()  # not measured in this step, which is not zero
        return loss, logs

    def in_one_pass(self, values: Values, real: str, fake: str, targets: dict) -> tuple[Judged, Judged]:
        size = self.train.batch_size
        (images, labels), (fakes, fake_labels) = self.batch(values, real), self.batch(values, fake)
        both = ops.concatenate([labels, fake_labels]) if self.takes_labels else None
        judged = self.judge(values, ops.concatenate([images, fakes]), both)

        def part(rows: slice, labels: Tensor | None, name: str | None) -> Judged:
            features = {key: feature[rows] for key, feature in judged.features.items()}
            classes = None if judged.class_logits is None else judged.class_logits[rows]
            return Judged(judged.logits[rows], None if name is None else values[name], labels, features, classes)

        return part(slice(size), labels, targets["real"]), part(slice(size, None), fake_labels, targets["fake"])

    def generator_update(self, fake: str, real: str | None) -> Update:
        moving = self.train.discriminator_statistics == "moving"

        def loss(values: Values, with_lazy: bool):
            of_real = None if real is None else self.judged(values, real, moving=moving)
            of_fake = self.judged(values, fake, moving=moving)
            value = self.loss.generator(of_real, of_fake)
            if self.head and self.head.of_fake:
                value = value + class_cross_entropy(of_fake.class_logits, of_fake.labels)
            return value, {"g_loss": value}

        return Update(("generator",), loss, self.generator_batch, through=fake, after=self.after_generator)

    @property
    def generator_batch(self) -> int:
        return self.train.generator_batch_size or self.train.batch_size

    def generator_turns(self) -> list[Stage]:
        stages: list[Stage] = []
        for turn in range(self.train.generator_steps):
            real, fake, size = f"generator_real_{turn}", f"generator_fake_{turn}", self.generator_batch
            real = self.draw_real(real, size) if self.loss.needs_real else None
            stages += [*self.generate(fake, size), self.generator_update(fake, real)]
        return stages


def _total(loss: Tensor, *terms: Tensor | None) -> Tensor:
    """The loss and the terms that there are."""
    return sum((term for term in terms if term is not None), loss)
