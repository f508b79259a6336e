"""PyTorch's fused Adam moves weights as Keras' Adam does."""

import keras
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("PyTorch's steps", allow_module_level=True)

import torch

from ganlab.backends.steps import adam_replaced
from ganlab.backends.torch_adam import fused_adam
from tests.backends.adam_updates import require_close, weights_and_moments


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
