"""Builds the networks and optimizers of one config, for every objective."""

import hashlib
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
from keras.optimizers.schedules import LearningRateSchedule

from ganlab.config.document import Keys
from ganlab.config.network import REFUSED_OPTIMIZERS
from ganlab.config.schema import Config, Form, value_range
from ganlab.config.schema import Network as Written
from ganlab.config.steps import Stretch
from ganlab.errors import did_you_mean
from ganlab.models.adaptive import AdaptiveProbability
from ganlab.models.arguments import ErrorAt, build_object, public_classes
from ganlab.models.balancing import Balancing
from ganlab.models.compiler import check_output, compile_network
from ganlab.models.layers.augmentation import DiffAugment
from ganlab.models.network import Network
from ganlab.models.output_averages import OutputAverages
from ganlab.models.schedules import Place, ScheduledAdam, build_schedule, build_schedules

_OPTIMIZERS = {
    name: cls
    for name, cls in public_classes(keras.optimizers, keras.optimizers.Optimizer).items()
    if name not in REFUSED_OPTIMIZERS
}
WHOLE_RUN = Stretch(None, 0, 0)


@dataclass(frozen=True)
class Models:
    """The networks and optimizers of one run.

    Attributes:
        networks: name -> network, under the objective's names.
        optimizers: name -> the optimizer of this network, built on its weights.
        averages: name -> a copy of the network that holds the moving average of its weights, with `train.ema`.
        form: the shape and the classes of the data.
        stretch: the steps in which these networks are trained.
        balancing: of the labels of generated images, with `labels: balanced`.
        output_averages: of the discriminator's outputs, with `lecam`.
        augmentation: random changes of images, with `consistency`.
        adaptive: the probability of augmentation, with `adaptive`.
        schedules: keys of the config -> the schedule that stands there in the place of a number.
    """

    networks: dict[str, Network]
    optimizers: dict[str, keras.Optimizer]
    averages: dict[str, Network]
    form: Form
    stretch: Stretch
    balancing: Balancing | None = None
    output_averages: OutputAverages | None = None
    augmentation: DiffAugment | None = None
    adaptive: AdaptiveProbability | None = None
    schedules: Mapping[Keys, LearningRateSchedule] = field(default_factory=dict)

    @property
    def sampled(self) -> Network:
        """The generator that pictures and metrics come from."""
        return self.averages.get("generator") or self.networks["generator"]

    def over_steps(self, keys: Keys, value: Any) -> Callable[[Any], Any]:
        """step -> the value at these keys of the config: of their schedule, or else `value`."""
        return self.schedules.get(keys, lambda step: value)


def build_network(config: Config, name: str, form: Form | None = None, stretch: Stretch = WHOLE_RUN) -> Network:
    """One network. Its first weights are drawn from the config's seed.

    Args:
        config: the experiment.
        name: one of `config.networks`.
        form: the shape and the classes of the data. None rebuilds a generator without its data: it may end in any shape.
        stretch: the steps in which the network is trained; in another phase it has other layers.

    Raises: ConfigError, located, for a layer that is wrong or does not fit.
    """
    _seed(config.seed, name)
    spec, ends = config.networks[name], config.ends(form)[name]
    if stretch.number is not None:
        spec = spec.in_phase(stretch.number)
    network = compile_network(spec, ends.inputs, config.error_at, name, config.precision)
    if ends.output is not None:
        check_output(network, spec, ends.output, ends.what, config.error_at)
    return network


def build_models(config: Config, form: Form, stretch: Stretch = WHOLE_RUN) -> Models:
    """All networks of a config and their optimizers; raises as `build_network` does."""
    networks, averages, optimizers = {}, {}, {}
    for name in config.networks:
        networks[name] = build_network(config, name, form, stretch)
        if name == "generator" and config.train.ema:
            averages[name] = build_network(config, name, form, stretch)  # the same seed: the same weights
    for name, network in networks.items():
        optimizers[name] = build_optimizer(config.networks[name], name, config.error_at)
        # Build here: a checkpoint does not restore state that appears within the first step.
        optimizers[name].build(network.trainable_variables)
    balancing = None
    if config.labels == "balanced":
        balancing = Balancing(math.prod(form.shape), form.classes, *value_range(config.data.range))
    schedules = build_schedules(config)
    regularizers = _build_regularizers(config, form, schedules)
    return Models(networks, optimizers, averages, form, stretch, balancing, *regularizers, schedules)


def _build_regularizers(config: Config, form: Form, schedules: Mapping[Keys, LearningRateSchedule]) -> tuple:
    """The parts of a GAN that only its discriminator's updates use: each of them, or None."""
    keys = ("lecam", "consistency", "adaptive")
    lecam, consistency, adaptive = (getattr(config, key, None) for key in keys)  # a VAE has none
    averages = OutputAverages(lecam.decay) if lecam and lecam.weight else None
    changes = _build_changes(config, form, "consistency") if consistency and consistency.is_used else None
    probability = None
    if adaptive and adaptive.method != "none":
        augmentation = _build_changes(config, form, "adaptive") if adaptive.method == "ada" else None
        fixed = schedules.get(("adaptive", "probability"), adaptive.probability)
        probability = AdaptiveProbability(adaptive.target, adaptive.images, adaptive.interval, augmentation, fixed)
    return averages, changes, probability


def _build_changes(config: Config, form: Form, key: str) -> DiffAugment:
    """The random changes of images that a section of a config names."""
    if not form.is_image:
        raise config.error_at((key,), f"changes images, and {config.data.name} has none")
    _seed(config.seed, key)
    return DiffAugment(getattr(config, key).policy)


def build_optimizer(network: Written, owner: str, error_at: ErrorAt) -> keras.Optimizer:
    """The optimizer of one network; `owner` is the network's key in the config.

    A schedule counts the updates of its own network: five discriminator updates in a step are five steps of its schedule.
    """
    ((name, arguments),) = network.optimizer.items()
    keys = (owner, "optimizer", name)
    if name not in _OPTIMIZERS:
        raise error_at(keys, f"unknown optimizer.{did_you_mean(name, _OPTIMIZERS)}")
    if arguments.get("loss_scale_factor") is not None:
        raise error_at(
            (*keys, "loss_scale_factor"), "cannot be used: it divides the gradients of a loss that nobody scaled"
        )
    if arguments.get("use_ema") and arguments.get("ema_overwrite_frequency") is None:
        message = "has no effect without ema_overwrite_frequency; train.ema keeps an average of the generator"
        raise error_at((*keys, "use_ema"), message)
    cls = _OPTIMIZERS[name]
    if name == "Adam" and isinstance(written := arguments.get("beta_2"), Mapping):
        schedule = build_schedule(written, Place((*keys, "beta_2"), 0.0, 1.0), None, error_at)
        cls, arguments = ScheduledAdam, arguments | {"beta_2": schedule}
    return build_object(cls, arguments, keys, error_at, "the optimizer")


def chained(networks: dict[str, Network]) -> keras.Model:
    """One Keras model of networks that follow each other, for the summary."""
    shared: dict[str, keras.KerasTensor] = {}
    values = None
    for network in networks.values():
        for name, tensor in zip(network.inputs, network.model.inputs, strict=True):
            if name != "input" or values is None:
                shared.setdefault(name, keras.Input(tensor.shape[1:], name="latents" if name == "input" else name))
        taken = [shared[name] if name != "input" or values is None else values for name in network.inputs]
        values = network.model(taken[0] if len(taken) == 1 else taken)
    inputs = list(shared.values())
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, values, name="gan")


def _seed(seed: int, purpose: str) -> None:
    # Each network has its own seed, so that a change of one network keeps the first weights of the other.
    digest = hashlib.sha256(f"{seed}/weights/{purpose}".encode()).digest()
    # Keras takes the seeds of initializers and random layers from `random`. Its set_random_seed would load TensorFlow too.
    random.seed(int.from_bytes(digest[:4], "little"))
