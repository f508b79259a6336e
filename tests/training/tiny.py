"""Networks on samples of eight numbers, so small that a step is traced in about a second."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ganlab.backends import load_backend
from ganlab.config.schema import Config, Form, value_range
from ganlab.models.building import Models, build_models
from ganlab.objectives import OBJECTIVES, build_objective, name_of
from ganlab.training.checkpoints import snapshot
from ganlab.training.draws import Draws
from ganlab.training.stages import Objective, Pass

BACKEND = load_backend(keras.backend.backend())
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 8), dtype=np.uint8)
ADAM = {"Adam": {"learning_rate": 0.01, "beta_1": 0.5}}
SGD = {"SGD": {"learning_rate": 0.1}}
DENSE = {
    "generator": [{"Dense": {"units": 5, "activation": "tanh"}}, {"Dense": {"units": 8, "activation": "tanh"}}],
    "discriminator": [{"Dense": {"units": 6, "activation": "tanh"}}, {"Dense": {"units": 1}}],
    "encoder": [{"Dense": {"units": 6, "activation": "tanh"}}, {"Dense": {"units": 6}}],
}


def tiny_config(
    objective: Any = "gan", optimizer: dict | None = None, train: dict | None = None, **more: Any
) -> Config:
    """A config of any objective in the registry.

    Args:
        objective: as a config writes it.
        optimizer: of every network.
        train: merged into the section `train`.
        more: other keys. A network's name has a list of layers; a network without one is dense.
    """
    kind = OBJECTIVES[name_of(objective)].config
    networks = {name: more.pop(name, None) or DENSE[name] for name in kind.NETWORKS}
    content = {
        "name": "tiny",
        "objective": objective,
        "data": {"name": "digits"},
        "latent": {"dim": 3},
        **({"loss": "non_saturating"} if "loss" in kind.model_fields else {}),
        **{name: {"layers": layers, "optimizer": optimizer or ADAM} for name, layers in networks.items()},
        "train": {"steps": 10, "batch_size": 4, **(train or {})},
        **more,
    }
    return kind.model_validate(content)


@dataclass
class Tiny:
    """One config ready to train on IMAGES, at step 0."""

    config: Config
    models: Models
    objective: Objective
    draws: Draws
    steps: Any
    done: int = 0

    def train(self, steps: int, room: int = 8) -> np.ndarray:
        """Performs the next steps in chunks of at most `room`; returns their rows."""
        rows, end = [], self.done + steps
        while self.done < end:
            count = min(room, end - self.done)
            rows.append(self.steps.run(self.draws.take(self.done, count), self.done, room))
            self.done += count
        return np.concatenate(rows)

    def column(self, rows: np.ndarray, name: str) -> np.ndarray:
        return rows[:, self.objective.column_names.index(name)]

    def weights(self, network: str) -> list[np.ndarray]:
        return self.models.networks[network].model.get_weights()

    def snapshot(self) -> dict[str, np.ndarray]:
        return snapshot(self.objective.variables())


def build(
    config: Config,
    jit: bool = BACKEND.JIT[0],
    images: np.ndarray = IMAGES,
    change=lambda objective: objective,
    labels: np.ndarray | None = None,
) -> Tiny:
    """Builds everything anew; `change` may replace the objective's stages."""
    models = build_models(config, Form(images.shape[1:], None if labels is None else int(labels.max()) + 1))
    objective = change(build_objective(config, models, BACKEND.input_gradient))
    draws = Draws(objective.draws, config.seed, len(images))
    data = {"images": images} | ({} if labels is None else {"labels": labels})
    return Tiny(config, models, objective, draws, BACKEND.Steps(objective, data, value_range(config.data.range), jit))


def with_stages(objective: Objective, stages: tuple) -> Objective:
    """The objective with some of its stages; columns that are not logged then are blank."""
    columns = tuple(dataclasses.replace(column, optional=True) for column in objective.columns)
    return dataclasses.replace(objective, stages=stages, columns=columns)


def one_update(number: int):
    """Leaves one update of an objective's step, and all passes that stand before it."""

    def change(objective: Objective) -> Objective:
        update = [stage for stage in objective.stages if not isinstance(stage, Pass)][number]
        before = objective.stages[: objective.stages.index(update)]
        passes = tuple(stage for stage in before if isinstance(stage, Pass))
        return with_stages(objective, (*passes, update))

    return change
