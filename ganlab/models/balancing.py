"""Balanced labels (CGAN-MBL): generated images get the label of the nearest class, and rare labels are drawn more often.

Source: Brito Rodriguez and Garcia Matachana, Imperial College 2019, section 2, after Li, He and Li 2019. Neither source states the
covariance or the weights of rare labels. This module takes the pooled covariance of samples and the weights 1 / (count + 1).
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from ganlab.errors import GanlabError

Tensor = Any

_RIDGE = 1e-2  # for pixels in [0, 1]; added to the covariance, which is singular where a border is always black
_KEPT = 0.9  # share of the counts that the next step keeps


class Balancing:
    """Finds the nearest class of an image, and counts classes. Rare classes are drawn more often.

    The Mahalanobis distance of x to class k is (x - m_k)' S^-1 (x - m_k). Its part that depends on k is
    -2 x' S^-1 m_k + m_k' S^-1 m_k, so the nearest class is found by one product.

    Attributes:
        slopes: -2 S^-1 m_k, shape (values, classes).
        offsets: m_k' S^-1 m_k, shape (classes,).
        counts: decaying counts of the labels that images got, shape (classes,).
    """

    def __init__(self, values: int, classes: int, low: float, high: float):
        """Makes variables for samples of `values` numbers. uint8 images are scaled: 0 becomes low and 255 becomes high."""
        self.low, self.span = low, high - low
        self.slopes = keras.Variable(np.zeros((values, classes), np.float32), trainable=False, name="slopes")
        self.offsets = keras.Variable(np.zeros(classes, np.float32), trainable=False, name="offsets")
        self.counts = keras.Variable(np.zeros(classes, np.float32), trainable=False, name="counts")

    @property
    def variables(self) -> list:
        return [self.slopes, self.offsets, self.counts]

    def begin(self, data: Mapping[str, np.ndarray]) -> None:
        """Computes the classes' means and the pooled covariance of the real samples, `images` (N, ...) and `labels` (N,)."""
        samples, labels = data["images"].reshape(len(data["images"]), -1), data["labels"]
        means, covariance = [], _RIDGE * self.span**2 * np.eye(samples.shape[1])
        for label in range(self.offsets.shape[0]):
            of_class = samples[labels == label]
            if not len(of_class):
                raise GanlabError(f"labels: balanced: no training image has class {label}")
            if samples.dtype == np.uint8:
                of_class = self.low + np.float32(self.span / 255.0) * of_class
            means.append(of_class.mean(axis=0, dtype=np.float64))
            centred = of_class - means[-1].astype(np.float32)
            covariance += centred.T @ centred / len(samples)
        means = np.stack(means)
        solved = np.linalg.solve(covariance, means.T)
        self.slopes.assign((-2.0 * solved).astype(np.float32))
        self.offsets.assign((means * solved.T).sum(axis=1).astype(np.float32))

    def drawn(self, numbers: Tensor) -> Tensor:
        """Labels int32 (batch,) for uniform numbers (batch,): label k with a probability in proportion to 1 / (count_k + 1)."""
        weights = 1.0 / (self.counts + 1.0)
        ends = ops.cumsum(weights) / ops.sum(weights)
        # The last end may round to less than 1, so it is left out.
        return ops.sum(ops.cast(ops.expand_dims(numbers, 1) >= ops.expand_dims(ends[:-1], 0), "int32"), axis=1)

    def nearest(self, images: Tensor) -> Tensor:
        """The class with the least Mahalanobis distance to each image (batch, ...), int32 (batch,). Counts these classes."""
        values = ops.reshape(ops.cast(images, "float32"), (images.shape[0], -1))
        found = ops.cast(ops.argmin(ops.matmul(values, self.slopes) + self.offsets, axis=1), "int32")
        once = ops.sum(ops.one_hot(found, self.offsets.shape[0], dtype="float32"), axis=0)
        self.counts.assign(_KEPT * self.counts + (1.0 - _KEPT) * once)
        return found
