"""PyTorch's fused Adam moves weights as Keras' Adam does."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("PyTorch's steps", allow_module_level=True)

import torch

from ganlab.backends.steps import adam_replaced
from ganlab.backends.torch_adam import HostRates, fused_adam
from tests.backends.adam_updates import require_close, weights_and_moments
from tests.training.tiny import build, tiny_config


def adam_in_one_pass(optimizer):
    return adam_replaced(optimizer, "_parallel_update_step", fused_adam)


def turned(gradient):
    """The gradient in another order in memory."""
    return torch.tensor(gradient).t().contiguous().t()


@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
@pytest.mark.parametrize("tensor", [torch.tensor, turned])
def test_updates_are_keras_own(monkeypatch, kind, tensor):
    expected = weights_and_moments(kind)
    monkeypatch.setattr(torch, "_foreach_sqrt", None)  # Keras' own step would call it
    require_close(weights_and_moments(kind, adam_in_one_pass, tensor), expected)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD(), keras.optimizers.Adam(amsgrad=True)])
def test_other_optimizers_keep_their_update(optimizer):
    with adam_in_one_pass(optimizer):
        assert "_parallel_update_step" not in vars(optimizer)


def test_the_update_is_keras_own_again_afterwards():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ZeroDivisionError), adam_in_one_pass(optimizer):
        assert "_parallel_update_step" in vars(optimizer)
        raise ZeroDivisionError
    assert "_parallel_update_step" not in vars(optimizer)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"train": {"generator_steps": 2}}, [[1, 2], [3, 4], [5, 6]]),
        ({"objective": "evolutionary", "loss": "minimax"}, [[1, 1, 1], [2, 2, 2], [3, 3, 3]]),  # one child survives
    ],
    ids=["two updates", "three children"],
)
def test_the_rates_of_a_chunk_are_corrected_by_the_number_of_each_update(options, numbers):
    objective = build(tiny_config(**options)).objective
    adam = objective.optimizers["generator"]
    corrections = [[(1 - 0.999**n) ** 0.5 / (1 - 0.5**n) for n in step] for step in numbers]
    with HostRates(objective).counted(3) as rates:
        np.testing.assert_allclose(rates["rate generator"], 0.01 * np.array(corrections), rtol=1e-6)
    assert int(adam.iterations) == numbers[-1][-1]
