"""PyTorch's fused Adam moves weights as Keras' Adam does."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("PyTorch's steps", allow_module_level=True)

import torch

from ganlab.training.steps.torch import adam_in_one_pass


@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
@pytest.mark.parametrize("turned", [False, True])
def test_one_update_is_keras_own(monkeypatch, kind, turned):
    numbers = np.random.default_rng(0)
    start, gradients = (numbers.standard_normal((2, 3, 4)).astype(np.float32) for _ in range(2))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)
    ends = []
    for fused in (False, True):
        weights = [keras.Variable(start[0]), keras.Variable(start[1])]
        optimizer = getattr(keras.optimizers, kind)(schedule, beta_1=0.5, clipnorm=1.0)
        optimizer.build(weights)
        if fused:  # that it is this one which moves the weights
            monkeypatch.setattr(torch, "_foreach_sqrt", None)
        for scale in (1.0, 1e-3, -5.0):
            slopes = [torch.tensor(scale * gradient) for gradient in gradients]
            if turned:  # in another order in memory
                slopes = [slope.t().contiguous().t() for slope in slopes]
            if fused:
                with adam_in_one_pass(optimizer):
                    optimizer.apply(slopes, weights)
            else:
                optimizer.apply(slopes, weights)
        ends.append([keras.ops.convert_to_numpy(v) for v in (*weights, *optimizer.variables)])
    for theirs, ours in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


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
