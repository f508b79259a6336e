"""The types of what layers pass on."""

from typing import Any

Tensor = Any  # the backend's, or Keras' symbolic one while a network is built
Shape = tuple[int | None, ...]  # None for a size that no one knows yet, such as the batch's
