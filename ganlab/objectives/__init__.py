"""The objectives by their names in a config. A new objective is a file with its keys and its stages, and a row here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganlab.config.schema import Config
from ganlab.objectives.evolutionary import EvolutionaryConfig, EvolutionaryGan
from ganlab.objectives.gan import Gan
from ganlab.objectives.gan_config import GanConfig
from ganlab.objectives.vae import VaeConfig, vae_objective

if TYPE_CHECKING:
    from ganlab.models.building import Models
    from ganlab.training.stages import Objective


@dataclass(frozen=True)
class Kind:
    """One kind of training."""

    config: type[Config]  # the keys of its configs
    build: Callable[..., "Objective"]  # (config, models, input_gradient) -> the stages of one step


OBJECTIVES = {
    "gan": Kind(GanConfig, lambda *run: Gan(*run).objective()),
    "vae": Kind(VaeConfig, vae_objective),
    "evolutionary": Kind(EvolutionaryConfig, lambda *run: EvolutionaryGan(*run).objective()),
}


def name_of(objective: Any) -> Any:
    """The name in `objective: NAME` or `objective: {NAME: {options}}`; any other value is returned unchanged."""
    return next(iter(objective), None) if isinstance(objective, dict) and len(objective) == 1 else objective


def build_objective(config: Config, models: "Models", input_gradient: Callable | None = None) -> "Objective":
    """The stages of one step. `input_gradient` is the backend's gradient at points, or None if no step will run."""
    kind = next(kind for kind in OBJECTIVES.values() if type(config) is kind.config)
    return kind.build(config, models, input_gradient)
