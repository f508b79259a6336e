"""`ganlab check`: builds the networks of a config and estimates the cost of its run, without training."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganlab.backends.select import select_any_backend
from ganlab.config.loading import read_config, resolve_config
from ganlab.config.schema import Config
from ganlab.config.steps import final_data, stretches, total_steps
from ganlab.data.dataset import Dataset
from ganlab.data.registry import is_here, load_dataset, published_form
from ganlab.errors import ConfigError, MissingDataError, raise_first
from ganlab.flows.advice import note_of_metrics, warnings_of
from ganlab.flows.mistakes import mistakes_in
from ganlab.sweeps.configs import require_config

if TYPE_CHECKING:
    import keras

    from ganlab.models.building import Models
    from ganlab.models.network import Network
    from ganlab.training.stages import Objective

_BYTES = 4  # float32 weights, in either precision
# Bytes of a picture of a grid, of a row of history.csv and of all plots, measured on the quickstart and experiment 3.
_PICTURE, _ROW, _PLOTS = 30_000, 90, 200_000


@dataclass(frozen=True)
class Check:
    """The networks and the cost of a config, before training. Mappings are by network."""

    config: Config
    layers: dict[str, list[tuple[str, str, tuple, int]]]  # (name, class, output shape, parameters) of each layer
    parameters: dict[str, int]  # all parameters of its layers
    trainable: dict[str, int]  # parameters that are trained
    flops: int  # floating-point operations of one step
    lane: int  # bytes on the device, of one of several runs that train together
    convolves: bool  # whether a network has convolutions
    steps: int | None  # of the training; None if the number follows from missing data
    disk: int | None  # estimated bytes of the run folder
    notes: list[str]  # warnings, and checks left out

    def as_dict(self) -> dict:
        return {
            "name": self.config.name,
            "family": self.config.family,
            "dataset": self.config.data.name,
            "parameters": self.parameters,
            "trainable_parameters": self.trainable,
            "flops_a_step": self.flops,
            "steps": self.steps,
            "disk_bytes": self.disk,
            "layers": {name: [list(row) for row in rows] for name, rows in self.layers.items()},
            "notes": self.notes,
        }


def check_config(path: Path) -> Check:
    """Validates one config file and builds its networks.

    Raises: ConfigError or MissingDataError, the same line as `ganlab run`; its `others` are the other mistakes of the config.
    """
    root = read_config(path)
    require_config(path, root.value)
    try:
        config = resolve_config(root)
        options = final_data(config)
        return check_networks(config, load_dataset(options, config.error_at) if is_here(options) else None)
    except (ConfigError, MissingDataError) as error:
        found = [each for mistake in (error, *mistakes_in(root)) for each in (mistake, *mistake.others)]
        raise_first(sorted(found, key=lambda mistake: mistake.position))


def check_networks(config: Config, dataset: Dataset | None) -> Check:
    """Builds the networks, optimizers, objective and metrics of a config, for its data or else their published shape."""
    notes: list[str] = []
    form = dataset.form if dataset else published_form(final_data(config))
    notes += [f"warning: {line}" for line in warnings_of(config, form)]
    notes += [note] if dataset and (note := note_of_metrics(config, form, dataset.count)) else []
    if dataset is None:
        notes.append(f"{config.data.name} is not on this machine; checked against its published shape {form.shape}")
    select_any_backend(config.backend)
    from ganlab.flows.labelled import labelled_rows
    from ganlab.metrics import protocols
    from ganlab.metrics.evaluation import require_networks
    from ganlab.models.building import build_models
    from ganlab.models.flops import has_convolutions, lane_memory, step_flops
    from ganlab.objectives import build_objective

    is_known = dataset is not None or config.phases
    steps = total_steps(config, dataset.count if dataset else 0) if is_known else config.train.steps
    last = stretches(config, steps or 1)[-1]
    models = build_models(config, form, last)
    objective = build_objective(config, models)
    if dataset is not None:
        labelled_rows(config, dataset)
        metrics = protocols.resolve(config.metrics, dataset, config.error_at)
        require_networks(metrics, config, models.networks)
    return Check(
        config,
        {name: _layers(network) for name, network in models.networks.items()},
        {name: network.model.count_params() for name, network in models.networks.items()},
        {n: sum(math.prod(v.shape) for v in network.trainable_variables) for n, network in models.networks.items()},
        step_flops(objective),
        lane_memory(objective),
        has_convolutions(objective),
        steps,
        None if steps is None else _disk(config, models, objective, steps),
        notes,
    )


def _layers(network: "Network") -> list[tuple[str, str, tuple, int]]:
    layers = network.model.layers
    return [(layer.name, _class_of(layer), layer.output.shape[1:], layer.count_params()) for layer in layers]


def _class_of(layer: "keras.Layer") -> str:
    """The class of a layer; of a wrapper, also the class inside: `SpectralNormalization(Conv2D)`."""
    inner = getattr(layer, "layer", None)
    return f"{type(layer).__name__}({_class_of(inner)})" if inner is not None else type(layer).__name__


def _disk(config: Config, models: "Models", objective: "Objective", steps: int) -> int:
    output = config.output
    checkpoints = math.ceil(steps / output.checkpoint_every) if output.checkpoint_every else 1
    kept = checkpoints if output.keep_checkpoints == "all" else min(checkpoints, int(output.keep_checkpoints) + 1)
    state = sum(math.prod(v.shape) * _BYTES for owned in objective.variables().values() for v in owned)
    pictures = math.ceil(steps / output.samples_every) if output.samples_every else 1
    pictures += len(output.samples_at) + len(output.samples_at_epochs)
    rows, columns = output.grid
    picture = _PICTURE * rows * columns / 25
    weights = kept * models.sampled.model.count_params() * _BYTES + min(checkpoints, 3) * state
    return int(weights + 2 * pictures * picture + steps * _ROW + _PLOTS)
