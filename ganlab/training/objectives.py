"""The GAN of a config as a list of stages: which batches go through which network, under which loss, and who moves.

A new kind of training is a new function beside `gan_objective`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import ops

from ganlab.config.schema import Config
from ganlab.training.losses import LOSSES, Loss
from ganlab.training.penalties import PENALTIES
from ganlab.training.stages import Draw, Logs, Objective, Pass, Update, Values

Tensor = Any


def clip_weights(model: keras.Model, limit: float, step: Tensor) -> None:
    """Clips every trainable weight to [-limit, limit] (Arjovsky et al. 2017, algorithm 1)."""
    for variable in model.trainable_variables:
        variable.assign(ops.clip(variable, -limit, limit))


def move_average(average: keras.Model, model: keras.Model, decay: float, step: Tensor) -> None:
    """average <- decay average + (1 - decay) weights; statistics of batch normalization are copied.

    The decay starts as (1 + step) / (10 + step), so that early averages forget the random start.
    """
    decay = ops.minimum(decay, (1.0 + step) / (10.0 + step))
    for kept, variable in zip(average.trainable_variables, model.trainable_variables, strict=True):
        kept.assign(kept + (1.0 - decay) * (variable - kept))
    for kept, variable in zip(average.model.non_trainable_weights, model.model.non_trainable_weights, strict=True):
        kept.assign(variable)


class _Gan:
    """The stages of a generator and a discriminator under one config."""

    def __init__(self, config: Config, networks: dict[str, keras.Model], input_gradient: Callable):
        self.config, self.train = config, config.train
        self.generator, self.discriminator = networks["generator"], networks["discriminator"]
        self.loss: Loss = LOSSES[config.loss.name]
        self.penalties = [(PENALTIES[name], options) for name, options in config.penalty.items()]
        self.lazy_every = max([options.every for _, options in self.penalties], default=1)
        self.input_gradient = input_gradient
        self.draws: dict[str, Draw] = {}
        clip = config.clip_weights
        self.after = (partial(clip_weights, self.discriminator, clip),) if clip else ()

    # The networks speak bfloat16 under mixed precision; losses and images are float32.
    def logits_of(self, images: Tensor) -> Tensor:
        return ops.cast(self.discriminator(images, training=True), "float32")

    def mean_output(self, logits: Tensor) -> Tensor:
        return ops.mean(ops.sigmoid(logits) if self.loss.probability else logits)

    def draw(self, name: str, kind: str, *shape: int, **options: float) -> str:
        self.draws[name] = Draw(kind, shape, **options)
        return name

    def draw_targets(self, turn: int, side: str) -> str | None:
        own, other = self.config.loss.real_label, self.config.loss.fake_label
        if side == "fake":
            own, other = other, own
        if not self.loss.takes_labels:
            return None
        flip = self.config.loss.flip_labels
        return self.draw(
            f"{side}_labels_{turn}",
            "labels",
            self.train.batch_size,
            1,
            low=own[0],
            high=own[1],
            flip=flip,
            flipped=other,
        )

    def generate(self, name: str, batch_size: int) -> Pass:
        latent = self.config.latent
        low = -1.0 if latent.distribution == "uniform" else 0.0
        latents = self.draw(f"latents_{name}", latent.distribution, batch_size, latent.dim, low=low)
        return Pass(name, "generator", lambda values: values[latents], batch_size)

    # One discriminator turn: its passes and updates.
    def discriminator_turn(self, turn: int) -> list[Pass | Update]:
        size = self.train.batch_size
        real = self.draw(f"real_{turn}", "images", size)
        fake = self.generate(f"fake_{turn}", size)
        targets = {side: self.draw_targets(turn, side) for side in ("real", "fake")}
        if self.train.discriminator_batches == "alternate":
            return [
                self.one_side("real", real, targets["real"]),
                fake,
                self.one_side("fake", fake.name, targets["fake"]),
            ]
        mixing = [self.draw_mixing(turn, penalty.mixing) for penalty, _ in self.penalties]
        loss = partial(self.both_sides, real, fake.name, targets, mixing)
        return [fake, Update("discriminator", loss, 2 * size, lazy_every=self.lazy_every, after=self.after)]

    def draw_mixing(self, turn: int, mixing: str | None) -> str | None:
        shape = {None: None, "sample": (1,), "value": self.discriminator.shapes["input"]}[mixing]
        return shape and self.draw(f"mixing_{mixing}_{turn}", "uniform", self.train.batch_size, *shape)

    def side_logs(self, side: str, logits: Tensor) -> Logs:
        logs = {f"d_{side}": self.mean_output(logits)}
        if self.loss.threshold is not None:
            right = logits > self.loss.threshold if side == "real" else logits <= self.loss.threshold
            logs[f"d_accuracy_{side}"] = ops.mean(ops.cast(right, "float32"))
        return logs

    def one_side(self, side: str, images: str, targets: str | None) -> Update:
        def loss(values: Values, with_lazy: bool):
            logits = self.logits_of(values[images])
            value = getattr(self.loss, side)(logits, None if targets is None else values[targets])
            return value, {f"d_loss_{side}": value, **self.side_logs(side, logits)}

        return Update("discriminator", loss, self.train.batch_size, after=self.after)

    def both_sides(self, real: str, fake: str, targets: dict, mixing: list, values: Values, with_lazy: bool):
        real_images, fake_images = values[real], values[fake]
        if self.train.discriminator_batches == "joint":
            logits = self.logits_of(ops.concatenate([real_images, fake_images]))
            real_logits, fake_logits = logits[: self.train.batch_size], logits[self.train.batch_size :]
        else:
            real_logits, fake_logits = self.logits_of(real_images), self.logits_of(fake_images)
        labels = {} if targets["real"] is None else {f"{side}_targets": values[name] for side, name in targets.items()}
        loss = self.loss.discriminator(real_logits, fake_logits, **labels)
        logs = {"d_loss": loss, **self.side_logs("real", real_logits), **self.side_logs("fake", fake_logits)}
        for (penalty, options), name in zip(self.penalties, mixing, strict=True):
            if options.every > 1 and not with_lazy:
                continue
            numbers = None if name is None else values[name]
            value = penalty.function(self.logits_of, real_images, fake_images, numbers, self.input_gradient)
            loss = loss + options.weight * options.every * value
            logs["penalty"] = logs.get("penalty", 0.0) + options.weight * value
        if self.penalties and "penalty" not in logs:
            logs["penalty"] = ops.full((), float("nan"))  # not measured in this step, which is not zero
        return loss, logs

    def generator_update(self, fake: str, real: str | None, after: tuple) -> Update:
        def loss(values: Values, with_lazy: bool):
            real_logits = None if real is None else self.logits_of(values[real])
            value = self.loss.generator(real_logits, self.logits_of(values[fake]))
            return value, {"g_loss": value}

        size = self.train.generator_batch_size or self.train.batch_size
        return Update("generator", loss, size, through=fake, after=after)

    def generator_turns(self, after: tuple) -> list[Pass | Update]:
        turns: list[Pass | Update] = []
        size = self.train.generator_batch_size or self.train.batch_size
        for turn in range(self.train.generator_steps):
            real = self.draw(f"generator_real_{turn}", "images", size) if self.loss.generator_needs_real else None
            fake = self.generate(f"generator_fake_{turn}", size)
            turns += [fake, self.generator_update(fake.name, real, after)]
        return turns

    def columns(self) -> dict[str, tuple[str, ...]]:
        columns = ["d_loss", "g_loss", "d_real", "d_fake"]
        if self.loss.threshold is not None:
            columns += ["d_accuracy_real", "d_accuracy_fake"]
        if self.penalties:
            columns.append("penalty")
        logs = {name: (name,) for name in columns}
        if self.train.discriminator_batches == "alternate":
            logs["d_loss"] = ("d_loss_real", "d_loss_fake")  # two updates, and the loss is the sum of its parts
        return logs


def gan_objective(
    config: Config,
    networks: dict[str, keras.Model],
    optimizers: dict[str, keras.Optimizer],
    average: keras.Model | None,
    input_gradient: Callable,
) -> Objective:
    """The step of DESIGN's GANs: discriminator turns, then generator turns, as `config.train` says.

    Args:
        config: the experiment.
        networks: generator and discriminator.
        optimizers: one for each, already built on its trainable weights.
        average: a copy of the generator that holds its moving average, with `train.ema`.
        input_gradient: the backend's gradient of a critic at points, for penalties.
    """
    gan = _Gan(config, networks, input_gradient)
    after = ()
    if average is not None:
        after = (partial(move_average, average, networks["generator"], config.train.ema),)
    stages = [stage for turn in range(config.train.discriminator_steps) for stage in gan.discriminator_turn(turn)]
    if config.train.share_latents:
        last = config.train.discriminator_steps - 1
        real = f"real_{last}" if gan.loss.generator_needs_real else None
        stages.append(gan.generator_update(f"fake_{last}", real, after))
    else:
        stages += gan.generator_turns(after)
    averages = {} if average is None else {"generator": average}
    return Objective(networks, optimizers, tuple(stages), gan.draws, gan.columns(), averages)
