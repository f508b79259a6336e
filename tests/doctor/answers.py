"""Answers of backends' processes."""

import numpy as np

from ganlab.doctor.backends import Answer

RIGHT = np.array([[1.3, 0.77], [1.3, 0.81], [1.26, 0.86], [1.27, 0.86]])


def on_a_gpu(losses: np.ndarray = RIGHT) -> Answer:
    """The answer of a machine with a card on which a GAN has these losses."""
    return Answer({"cpu:0": "CPU", "gpu:0": "NVIDIA H100"}, {"cpu:0": RIGHT, "gpu:0": losses})
