"""Spectral normalization without a decision on the host."""

import keras
from keras import ops
from keras.utils import normalize

from ganlab.models.layers.tensors import Tensor


class SpectralNormalization(keras.layers.SpectralNormalization):
    """Keras' wrapper: it divides the kernel of `layer` by an estimate of its largest singular value in each training step.

    Keras asks in each step whether the kernel is zero, and on a GPU PyTorch waits for the answer. Here a zero kernel is divided
    by one. Everything else is the same.

    Source: Miyato et al. 2018, arXiv 1802.05957, algorithm 1.
    """

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if training:
            is_zero = ops.all(ops.equal(self.kernel.value, 0))
            vector_u, kernel = self._power_iteration(is_zero)
            self.vector_u.assign(ops.where(is_zero, self.vector_u.value, vector_u))
            self.kernel.assign(kernel)
        return ops.cast(self.layer(inputs), inputs.dtype)

    def _power_iteration(self, is_zero: Tensor) -> tuple[Tensor, Tensor]:
        weights = ops.reshape(self.kernel.value, (-1, self.kernel_shape[-1]))
        vector_u = self.vector_u.value
        for _ in range(self.power_iterations):
            vector_v = normalize(ops.matmul(vector_u, ops.transpose(weights)), axis=None)
            vector_u = normalize(ops.matmul(vector_v, weights), axis=None)
        vector_u, vector_v = ops.stop_gradient(vector_u), ops.stop_gradient(vector_v)
        sigma = ops.matmul(ops.matmul(vector_v, weights), ops.transpose(vector_u)) + ops.cast(is_zero, weights.dtype)
        return ops.cast(vector_u, self.vector_u.dtype), ops.reshape(weights / sigma, self.kernel_shape)
