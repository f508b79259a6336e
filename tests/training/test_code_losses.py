import math

import numpy as np
import pytest
from keras import ops

from ganlab.training.code_losses import categorical_loss, continuous_loss, mutual_information


def tensors(*arrays):
    return [ops.convert_to_tensor(array, "float32") for array in arrays]


def test_the_categorical_loss_is_the_sum_of_the_cross_entropies_of_all_codes():
    # a code of two values, then one of three
    outputs, codes = tensors(
        [[math.log(3), 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, math.log(2), 0.0, 0.0]],
        [[1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0, 0.0]],
    )
    expected = (math.log(4 / 3) + math.log(3) + math.log(2) + math.log(4 / 2)) / 2
    assert float(categorical_loss(outputs, codes, [2, 3])) == pytest.approx(expected, rel=1e-6)


def test_the_continuous_loss_is_half_the_squared_distance():
    means, codes = tensors([[0.0, 1.0], [0.5, -1.0]], [[3.0, 1.0], [0.5, 0.0]])
    assert float(continuous_loss(means, codes)) == pytest.approx((9 / 2 + 1 / 2) / 2)


def test_the_information_is_all_of_the_entropy_for_a_sure_discriminator_and_none_for_one_that_guesses():
    (codes,) = tensors(np.eye(10)[[3, 7]])
    sure, guessing = (categorical_loss(outputs, codes, [10]) for outputs in (100.0 * codes, 0.0 * codes))
    assert float(mutual_information(sure, [10])) == pytest.approx(math.log(10))
    assert float(mutual_information(guessing, [10])) == pytest.approx(0.0, abs=1e-6)


def test_large_logits_do_not_overflow():
    outputs, codes = tensors([[1000.0, 0.0]], [[0.0, 1.0]])
    assert float(categorical_loss(outputs, codes, [2])) == 1000.0
