"""GAN losses: pure functions of what the discriminator says of a real and of a generated batch.

The discriminator's loss is the sum of a real and a fake part, so that each part can also be an update of its own. The
relativistic loss compares the two batches and has no parts. Every function returns a scalar, the mean over the batch.
Cross-entropy works on logits: the sigmoid is in the loss. A new loss is one row of LOSSES; nothing else knows its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganlab.training import ops

Tensor = Any


@dataclass(frozen=True)
class Judged:
    """What the discriminator says of one batch, and what is known of the batch.

    Attributes:
        logits: float32, shape (batch, outputs); one output unless the loss says otherwise.
        targets: shape (batch, 1), or one number: 1 for real and 0 for generated images unless labels are smoothed or flipped.
        labels: classes, int32, shape (batch,), or None for data without labels.
        features: the outputs of the layers that the loss asks for, by the layers' names.
        class_logits: shape (batch, classes), of a discriminator with a class head, or None.
    """

    logits: Tensor
    targets: Tensor = None
    labels: Tensor = None
    features: Mapping[str, Tensor] = field(default_factory=dict)
    class_logits: Tensor = None


@dataclass(frozen=True)
class Measure:
    """A column of the history that a loss measures beside its value.

    Attributes:
        column: its name, with a place for the side: `d_{side}` becomes d_real and d_fake.
        of: (side, judged) -> scalar.
        sides: of which batches it is measured.
    """

    column: str
    of: Callable[[str, Judged], Tensor]
    sides: tuple[str, ...] = ("real", "fake")


@dataclass(frozen=True)
class Loss:
    """One GAN loss.

    Attributes:
        generator: the generator's loss of (real, fake); `real` is None unless `needs_real`.
        real: the discriminator's part on a real batch, or None where the loss has no separate parts.
        fake: the same on a generated batch.
        pair: the discriminator's loss of (real, fake) where it has no separate parts.
        measures: what is logged beside the losses.
        needs_real: whether the generator's loss reads the real batch.
        takes_targets: whether targets mean anything, so that labels may be smoothed and flipped.
        reads_labels: whether it reads the classes of real images.
        reads_layer: whether it compares the outputs of one layer of the discriminator, which the config names as `layer`.
        outputs: numbers the discriminator gives an image, from the number of classes of the data.
    """

    generator: Callable[[Judged | None, Judged], Tensor]
    real: Callable[[Judged], Tensor] | None = None
    fake: Callable[[Judged], Tensor] | None = None
    pair: Callable[[Judged, Judged], Tensor] | None = None
    measures: tuple[Measure, ...] = ()
    needs_real: bool = False
    takes_targets: bool = False
    reads_labels: bool = False
    reads_layer: bool = False
    outputs: Callable[[int | None], int] = lambda classes: 1

    def discriminator(self, real: Judged, fake: Judged) -> Tensor:
        """The discriminator's loss: the sum of its parts, or the loss of the pair."""
        if self.pair is not None:
            return self.pair(real, fake)
        return self.real(real) + self.fake(fake)

    def columns(self) -> tuple[str, ...]:
        """The columns of `measures`."""
        return tuple(measure.column.format(side=side) for measure in self.measures for side in measure.sides)

    def logs(self, side: str, judged: Judged) -> dict[str, Tensor]:
        """What `measures` say of one batch: column -> scalar."""
        found = [measure for measure in self.measures if side in measure.sides]
        return {measure.column.format(side=side): measure.of(side, judged) for measure in found}


def sigmoid_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of -t log s(x) - (1-t) log(1-s(x)), written so that large logits neither overflow nor lose the gradient."""
    # max(x, 0) - x t + log(1 + exp(-|x|)); softplus(x) = max(x, 0) + log(1 + exp(-|x|))
    return ops.mean(ops.softplus(logits) - logits * targets)


def _cross_entropy(judged: Judged) -> Tensor:
    return sigmoid_cross_entropy(judged.logits, judged.targets)


def _squared_error(judged: Judged) -> Tensor:
    return ops.mean(ops.square(judged.logits - judged.targets))


def accuracy(threshold: float) -> Measure:
    """Share of a batch on the right side of a logit."""

    def right(side: str, judged: Judged) -> Tensor:
        is_right = judged.logits > threshold if side == "real" else judged.logits <= threshold
        return ops.mean(ops.cast(is_right, "float32"))

    return Measure("d_accuracy_{side}", right)


MEAN_OUTPUT = Measure("d_{side}", lambda side, judged: ops.mean(judged.logits))
MEAN_PROBABILITY = Measure("d_{side}", lambda side, judged: ops.mean(ops.sigmoid(judged.logits)))
_CROSS_ENTROPY = {
    "real": _cross_entropy,
    "fake": _cross_entropy,
    "measures": (MEAN_PROBABILITY, accuracy(0.0)),
    "takes_targets": True,
}


def match_features(real: Judged, fake: Judged) -> Tensor:
    """Squared Euclidean distance between the mean features of both batches."""
    means = ((ops.mean(real.features[name], axis=0), ops.mean(fake.features[name], axis=0)) for name in fake.features)
    return sum(ops.sum(ops.square(of_real - of_fake)) for of_real, of_fake in means)


LOSSES = {
    # Goodfellow et al. 2014, arXiv 1406.2661, equation 1: the generator minimises log(1 - D(G(z))) = -softplus(logit).
    "minimax": Loss(generator=lambda real, fake: -ops.mean(ops.softplus(fake.logits)), **_CROSS_ENTROPY),
    # The same paper, section 3: the generator maximises log D(G(z)) instead.
    "non_saturating": Loss(generator=lambda real, fake: sigmoid_cross_entropy(fake.logits, 1.0), **_CROSS_ENTROPY),
    # Mao et al. 2017, arXiv 1611.04076, equation 9 with a=0, b=c=1, without its factor 1/2 (as mse in Keras).
    "least_squares": Loss(
        real=_squared_error,
        fake=_squared_error,
        generator=lambda real, fake: ops.mean(ops.square(fake.logits - 1.0)),
        measures=(MEAN_OUTPUT, accuracy(0.5)),
        takes_targets=True,
    ),
    # Arjovsky et al. 2017, arXiv 1701.07875, algorithm 1.
    "wasserstein": Loss(
        real=lambda real: -ops.mean(real.logits),
        fake=lambda fake: ops.mean(fake.logits),
        generator=lambda real, fake: -ops.mean(fake.logits),
        measures=(MEAN_OUTPUT,),
    ),
    # Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957, equations 16 and 17.
    "hinge": Loss(
        real=lambda real: ops.mean(ops.relu(1.0 - real.logits)),
        fake=lambda fake: ops.mean(ops.relu(1.0 + fake.logits)),
        generator=lambda real, fake: -ops.mean(fake.logits),
        measures=(MEAN_OUTPUT, accuracy(0.0)),
    ),
    # Jolicoeur-Martineau 2018, arXiv 1807.00734, the relativistic standard GAN: softplus of the difference of paired logits.
    "relativistic": Loss(
        pair=lambda real, fake: ops.mean(ops.softplus(fake.logits - real.logits)),
        generator=lambda real, fake: ops.mean(ops.softplus(real.logits - fake.logits)),
        measures=(MEAN_OUTPUT,),
        needs_real=True,
    ),
    # Salimans et al. 2016, arXiv 1606.03498, section 3.1: the generator matches mean features, the discriminator learns as above.
    "feature_matching": Loss(generator=match_features, needs_real=True, reads_layer=True, **_CROSS_ENTROPY),
}
