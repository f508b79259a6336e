"""What the callbacks of one run share: one object instead of a constructor with many arguments each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.config.schema import Config
from ganlab.config.steps import Stretch
from ganlab.runs.folder import RunFolder
from ganlab.training.background import BackgroundWriter

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset
    from ganlab.metrics.names import Metric
    from ganlab.models.network import Network
    from ganlab.training.sampling import Sampler
    from ganlab.training.stages import Column


@dataclass
class HealthReport:
    """What the last look at the run found.

    Attributes:
        verdict: ok, collapsed, not_converged or diverged.
        reason: one line, or None.
        step: at which the images were looked at; 0 before the first look.
        seen: what was measured then.
        confirmed: whether the look before had the same verdict.
    """

    verdict: str = "ok"
    reason: str | None = None
    step: int = 0
    seen: dict[str, float] = field(default_factory=dict)
    confirmed: bool = False


@dataclass
class RunContext:
    """One run while it trains.

    Weights are read through `variables`, `sampler` and `generator` only. A trainer of several runs in one step puts a run's
    own state into these variables before it calls the run's callbacks.

    Attributes:
        folder: of the run.
        config: the experiment.
        dataset: what is trained on now.
        stretch: the steps in which the networks are as they are now.
        total: the run's last step.
        columns: of the history.
        variables: all that training changes, by owner.
        generator: the network that is sampled.
        copy: a network like it, which the writer fills: training goes on meanwhile.
        sampler: draws from `generator`.
        protocols: the metrics.
        writer: writes files beside the training.
        facts: more for the manifest of checkpoints.
        asked: names the signal that asked the process to stop, or gives None.
        health: what `Health` found; other callbacks read it, and checkpoints keep the verdict.
    """

    folder: RunFolder
    config: Config
    dataset: "Dataset"
    stretch: Stretch
    total: int
    columns: "tuple[Column, ...]"
    variables: Mapping[str, list]
    generator: "Network"
    copy: "Network"
    sampler: "Sampler"
    protocols: "Sequence[Metric]"
    writer: BackgroundWriter
    facts: Mapping[str, Any] = field(default_factory=dict)
    asked: Callable[[], str | None] = lambda: None
    health: HealthReport = field(default_factory=HealthReport)

    def sampler_at(self, step: int) -> "Sampler":
        """The sampler, told at which step the weights stand now: layers may take the step."""
        self.sampler.step = step
        return self.sampler

    @property
    def images(self) -> np.ndarray:
        """The training samples."""
        return self.dataset.train.images
