"""The networks and optimizers of one config, whatever its objective."""

import hashlib
import math
import random
from dataclasses import dataclass

import keras

from ganlab.config.schema import Config, Form
from ganlab.config.steps import Stretch
from ganlab.config.value_range import value_range
from ganlab.models.balancing import Balancing
from ganlab.models.compiler import check_output, compile_network
from ganlab.models.network import Network
from ganlab.models.optimizers import build_optimizer


@dataclass(frozen=True)
class Models:
    """Everything trainable of one run.

    Attributes:
        networks: by the objective's names.
        optimizers: one for each network, built on its weights.
        averages: moving averages of networks' weights, with `train.ema`: copies of the networks.
        form: of the data.
        stretch: the steps in which these networks are trained.
        balancing: of the labels of generated images, with `labels: balanced`.
    """

    networks: dict[str, Network]
    optimizers: dict[str, keras.Optimizer]
    averages: dict[str, Network]
    form: Form
    stretch: Stretch
    balancing: Balancing | None = None

    @property
    def sampled(self) -> Network:
        """The generator that pictures and metrics come from."""
        return self.averages.get("generator") or self.networks["generator"]


WHOLE_RUN = Stretch(None, 0, 0)


def build_network(config: Config, name: str, form: Form | None = None, stretch: Stretch = WHOLE_RUN) -> Network:
    """One network, with first weights that are drawn from the config's seed.

    Args:
        config: the experiment.
        name: of the network, one of `config.networks`.
        form: of the data; None rebuilds a generator where its data are not at hand: it may end in any shape then.
        stretch: the steps in which it is trained; it says which layers there are.

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
        # Built here: state that appears within the first step would not be restored from a checkpoint.
        optimizers[name].build(network.trainable_variables)
    balancing = None
    if config.labels == "balanced":
        balancing = Balancing(math.prod(form.shape), form.classes, *value_range(config.data.range))
    return Models(networks, optimizers, averages, form, stretch, balancing)


def chained(networks: dict[str, Network]) -> keras.Model:
    """Networks that follow each other as one Keras model, for the summary."""
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
    # Each network has a seed of its own, so that a change of one leaves the other's first weights as they were.
    digest = hashlib.sha256(f"{seed}/weights/{purpose}".encode()).digest()
    # Keras takes the seeds of initializers and random layers from here; its set_random_seed would load TensorFlow as well.
    random.seed(int.from_bytes(digest[:4], "little"))
