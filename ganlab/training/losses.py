"""GAN losses: pure functions of the discriminator's outputs for a real and for a generated batch.

The discriminator's loss is the sum of a real and a fake part, so each part can be an update of its own. The relativistic loss
compares the two batches and has no parts. Every function returns a scalar, the mean over the batch. Cross-entropy takes
logits: the sigmoid is in the loss. A new loss is one row of LOSSES.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganlab.training import ops

Tensor = Any


@dataclass(frozen=True)
class Judged:
    """The discriminator's outputs for one batch, with targets and labels of the batch.

    Attributes:
        logits: float32, shape (batch, outputs). `Loss.outputs` gives the number of outputs, usually 1.
        targets: shape (batch, 1), or one number. Real images have 1 and generated images 0, unless labels are smoothed or flipped.
        labels: classes, int32, shape (batch,), or None for data without labels.
        features: layer's name -> its outputs, for the layers that the loss compares.
        class_outputs: shape (batch, n), of a discriminator with a class head, or None.
        code_outputs: shape (batch, codes), of a discriminator that tells InfoGAN's codes, or None.
        codes: the codes of generated images, shape (batch, codes), or None.
        images: the images as the discriminator saw them, shape (batch, ...).
    """

    logits: Tensor
    targets: Tensor = None
    labels: Tensor = None
    features: Mapping[str, Tensor] = field(default_factory=dict)
    class_outputs: Tensor = None
    code_outputs: Tensor = None
    codes: Tensor = None
    images: Tensor = None


@dataclass(frozen=True)
class Measure:
    """A column of the history that a loss adds.

    Attributes:
        column: the column's name with a place for the side: `d_{side}` becomes d_real, d_fake and d_generator.
        of: (side, judged) -> scalar.
        sides: the batches that are measured: `real` and `fake` in the discriminator's update, `generator` in the generator's.
    """

    column: str
    of: Callable[[str, Judged], Tensor]
    sides: tuple[str, ...] = ("real", "fake")


@dataclass(frozen=True)
class Loss:
    """One GAN loss.

    Attributes:
        generator: (real, fake) -> the generator's loss; `real` is None unless `needs_real`.
        real: the discriminator's loss of a real batch, or None for a loss without separate parts.
        fake: the discriminator's loss of a generated batch, or None.
        pair: (real, fake) -> the discriminator's loss, for a loss without separate parts.
        measures: further columns of the history.
        needs_real: whether the generator's loss reads the real batch.
        takes_targets: whether the loss reads targets, so that labels may be smoothed and flipped.
        reads_labels: whether the loss reads the classes of real images.
        reads_layer: whether the loss compares the outputs of one layer of the discriminator, the config's `layer`.
        outputs: number of classes of the data -> number of the discriminator's outputs for each image.
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
        """column -> scalar, for all `measures` of one batch."""
        found = [measure for measure in self.measures if side in measure.sides]
        return {measure.column.format(side=side): measure.of(side, judged) for measure in found}


def sigmoid_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of -t log s(x) - (1-t) log(1-s(x)), in a form without overflow and with a gradient at large logits."""
    # max(x, 0) - x t + log(1 + exp(-|x|)); softplus(x) = max(x, 0) + log(1 + exp(-|x|))
    return ops.mean(ops.softplus(logits) - logits * targets)


def _cross_entropy(judged: Judged) -> Tensor:
    return sigmoid_cross_entropy(judged.logits, judged.targets)


def _squared_error(judged: Judged) -> Tensor:
    return ops.mean(ops.square(judged.logits - judged.targets))


def accuracy(threshold: float) -> Measure:
    """The share of a batch whose logits are on the right side of a threshold."""

    def right(side: str, judged: Judged) -> Tensor:
        is_right = judged.logits > threshold if side == "real" else judged.logits <= threshold
        return ops.mean(ops.cast(is_right, "float32"))

    return Measure("d_accuracy_{side}", right)


_SIDES = ("real", "fake", "generator")
MEAN_OUTPUT = Measure("d_{side}", lambda side, judged: ops.mean(judged.logits), _SIDES)
MEAN_PROBABILITY = Measure("d_{side}", lambda side, judged: ops.mean(ops.sigmoid(judged.logits)), _SIDES)
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
