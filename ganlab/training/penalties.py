"""Gradient penalties. Each is a function of a critic and of points, and returns a mean over the batch.

`input_gradient(function, points)` comes from the backend. It gives the gradient of the sum of `function(points)` with respect
to the points, and can be differentiated again. `mixing` is uniform in [0, 1]: one number for each sample, or one for each value
of the image. A new penalty is one function and one row of PENALTIES.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ganlab.training import ops

Tensor = Any
Critic = Callable[[Tensor], Tensor]


def _squared_norms(gradients: Tensor) -> Tensor:
    """Squared Euclidean norm of each sample, shape (batch,)."""
    return ops.sum(ops.square(gradients), axis=tuple(range(1, len(gradients.shape))))


def _slope_one(critic: Critic, points: Tensor, input_gradient: Callable) -> Tensor:
    # E (||grad|| - 1)^2. The derivative of the root at 0 is infinite; the tiny term keeps it finite for a flat critic.
    norms = ops.sqrt(_squared_norms(input_gradient(critic, points)) + 1e-12)
    return ops.mean(ops.square(norms - 1.0))


def wgan_gp(
    critic: Critic, real_images: Tensor, fake_images: Tensor, mixing: Tensor, input_gradient: Callable
) -> Tensor:
    """Gulrajani et al. 2017, arXiv 1704.00028, equation 3: slope one on lines between real and generated images."""
    share = ops.reshape(mixing, (-1, *(1 for _ in real_images.shape[1:])))
    return _slope_one(critic, share * real_images + (1.0 - share) * fake_images, input_gradient)


def dragan(
    critic: Critic, real_images: Tensor, fake_images: Tensor, mixing: Tensor, input_gradient: Callable
) -> Tensor:
    """Kodali et al. 2017, arXiv 1705.07215: slope one at real images moved by up to half their standard deviation."""
    points = real_images + 0.5 * ops.std(real_images) * mixing  # mixing has the shape of the images
    return _slope_one(critic, points, input_gradient)


def r1(
    critic: Critic, real_images: Tensor, fake_images: Tensor, mixing: Tensor | None, input_gradient: Callable
) -> Tensor:
    """Mescheder et al. 2018, arXiv 1801.04406, equation 9: half the squared slope at real images."""
    return 0.5 * ops.mean(_squared_norms(input_gradient(critic, real_images)))


def r2(
    critic: Critic, real_images: Tensor, fake_images: Tensor, mixing: Tensor | None, input_gradient: Callable
) -> Tensor:
    """The same paper, equation 10: half the squared slope at generated images."""
    return 0.5 * ops.mean(_squared_norms(input_gradient(critic, fake_images)))


class Penalty(NamedTuple):
    """One penalty.

    Attributes:
        function: (critic, real_images, fake_images, mixing, input_gradient) -> scalar.
        weight: the usual factor in the discriminator's loss.
        mixing: the random numbers that the function takes: None, one for each "sample" or one for each "value" of the image.
        labels: the batch, "real" or "fake", whose labels a critic that takes labels gets with the points.
    """

    function: Callable
    weight: float
    mixing: str | None = None
    labels: str = "real"


PENALTIES = {
    "wgan_gp": Penalty(wgan_gp, 10.0, mixing="sample"),
    "r1": Penalty(r1, 1.0),
    "r2": Penalty(r2, 1.0, labels="fake"),
    "dragan": Penalty(dragan, 10.0, mixing="value"),
}
