"""Moving averages of a network's weights (`train.ema`). Samples, metrics and generator files come from them."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ganlab.config.schema import Config
from ganlab.training import ops
from ganlab.training.stages import Values

if TYPE_CHECKING:
    from ganlab.models.building import Models
    from ganlab.models.network import Network


def averaging(config: Config, models: "Models", name: str) -> tuple[Callable[[Values], None], ...]:
    """The actions after an update of the network: move the average, if the config keeps one."""
    if name not in models.averages:
        return ()
    decay = models.over_steps(("train", "ema"), config.train.ema)
    return (partial(move_average, models.averages[name], models.networks[name], decay),)


def move_average(average: "Network", network: "Network", decay: Callable, values: Values) -> None:
    """average <- decay(step) average + (1 - decay(step)) weights. Statistics of batch normalization are copied.

    The decay is at most (1 + step) / (10 + step), so that early averages forget the random start.
    """
    step = values["step"]
    decay = ops.minimum(decay(step), (1.0 + step) / (10.0 + step))
    for kept, variable in zip(average.trainable_variables, network.trainable_variables, strict=True):
        kept.assign(kept + (1.0 - decay) * (variable - kept))
    others = average.model.non_trainable_weights, network.model.non_trainable_weights
    for kept, variable in zip(*others, strict=True):
        kept.assign(variable)
