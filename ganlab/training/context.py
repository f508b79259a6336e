"""The state of one run that its callbacks share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlab.config.document import shown
from ganlab.config.schema import Config
from ganlab.config.steps import Stretch, sample_steps
from ganlab.runs.folder import RunFolder
from ganlab.training.background import BackgroundWriter
from ganlab.training.drawing import Pictures
from ganlab.training.trainer import next_multiple

if TYPE_CHECKING:
    from ganlab.data.dataset import Dataset
    from ganlab.metrics.names import Metric
    from ganlab.models.network import Network
    from ganlab.training.sampling import Sampler
    from ganlab.training.stages import Column

VERDICTS = ("ok", "collapsed", "not_converged", "diverged", "too_early", "not_judged")


@dataclass
class HealthReport:
    """The result of the last health check.

    Attributes:
        verdict: one of VERDICTS.
        reason: one line, or None.
        sign: the verdict that the numbers alone would give; early in training the verdict is `too_early` instead.
        step: the step of the last check of images; 0 before the first check.
        seen: name -> value of that check.
        confirmed: whether the check before had the same sign.
    """

    verdict: str = "ok"
    reason: str | None = None
    sign: str = "ok"
    step: int = 0
    seen: dict[str, float] = field(default_factory=dict)
    confirmed: bool = False

    def facts(self) -> dict[str, Any]:
        """The entries that a checkpoint's manifest keeps."""
        return {"verdict": self.verdict, "reason": self.reason, "sign": self.sign}

    @classmethod
    def of(cls, facts: Any) -> "HealthReport":
        """The report of a manifest or of status.json. Earlier versions kept no `sign`.

        Raises: ValueError for facts that are not a health report.
        """
        kept = facts if isinstance(facts, dict) else {"verdict": None}
        verdict, reason = kept.get("verdict", "ok"), kept.get("reason")
        sign = kept.get("sign", verdict)
        if verdict not in VERDICTS or sign not in VERDICTS or not isinstance(reason, str | None):
            raise ValueError(f"no health report: verdict {shown(verdict)}, reason {shown(reason)}, sign {shown(sign)}")
        return cls(verdict, reason, sign)


@dataclass
class RunContext:
    """One run while it trains.

    Callbacks read weights through `variables`, `sampler`, `generator` and `networks` only. Each of several runs that train together
    has variables of its own.

    Attributes:
        folder: the run folder.
        config: the experiment.
        dataset: the training data of this stretch.
        stretch: the steps in which the networks have their present layers.
        total: the run's last step.
        columns: the columns of the history.
        variables: owner -> the variables that training changes.
        generator: the network that is sampled.
        copy: a second network of the same layers. The writer puts weights into it while training continues.
        sampler: draws samples from `generator`.
        protocols: the metrics.
        pictures: draws pictures; a failure does not fail the run.
        writer: writes files beside the training.
        facts: gives further entries for the manifest of checkpoints.
        asked: gives the name of the signal that asked the process to stop, or None.
        health: written by the callback `Health`, read by other callbacks. Checkpoints keep the verdict.
        networks: name -> network, with the weights that training moves.
        saturation: step -> column of the history -> share of saturated units; written by `Histograms`, read by `History`.
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
    pictures: Pictures
    writer: BackgroundWriter
    facts: Callable[[], Mapping[str, Any]] = dict
    asked: Callable[[], str | None] = lambda: None
    health: HealthReport = field(default_factory=HealthReport)
    networks: "Mapping[str, Network]" = field(default_factory=dict)
    saturation: dict[int, dict[str, float]] = field(default_factory=dict)

    def next_sample_step(self, step: int) -> int:
        """The first step after `step` with a sample grid."""
        at = [wanted for wanted in sample_steps(self.config, self.dataset.count) if wanted > step]
        return min([self.total, *at, next_multiple(step, self.config.output.samples_every) or self.total])

    def sampler_at(self, step: int) -> "Sampler":
        """The sampler for the present weights, which are the weights of `step`: layers may take the step."""
        self.sampler.step = step
        return self.sampler

    @property
    def images(self) -> np.ndarray:
        """The training samples."""
        return self.dataset.train.images
