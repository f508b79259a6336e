"""The self-test's numbers: known answers, and that Keras' CPU agrees with them."""

import numpy as np
import pytest

from ganlab.doctor import cases as module
from ganlab.doctor.cases import CPU_TOLERANCE, cases, deviation
from ganlab.doctor.operations import OPERATIONS, compute


@pytest.fixture(scope="module")
def results():
    return compute("cpu:0")


@pytest.mark.parametrize("name", cases())
def test_the_cpu_computes_what_numpy_says(results, name):
    assert deviation(results[name].astype(np.float64), cases()[name].expected) < CPU_TOLERANCE


def test_every_case_has_an_operation_and_a_result_that_is_not_flat():
    assert OPERATIONS.keys() == cases().keys()
    assert all(case.expected.std() > 0.1 and case.tolerance >= CPU_TOLERANCE for case in cases().values())


def test_a_kernel_of_one_in_its_corner_picks_every_second_pixel():
    images, kernel = np.arange(144.0).reshape(1, 12, 12, 1), np.zeros((3, 3, 1, 1))
    kernel[0, 0] = 1
    assert np.array_equal(module._convolution(images, kernel)[0, :, :, 0], images[0, ::2, ::2, 0])


def test_a_transposed_kernel_of_ones_spreads_every_pixel_over_its_neighbours():
    spread = module._transposed_convolution(np.ones((1, 6, 6, 1)), np.ones((4, 4, 1, 1)))[0, :, :, 0]
    assert spread.shape == (12, 12) and spread[0, 0] == 1 and spread[5, 5] == 4


def test_the_first_adam_step_without_epsilon_is_the_rate_against_the_sign(monkeypatch):
    monkeypatch.setitem(module.ADAM, "epsilon", 0.0)
    assert np.allclose(module._adam_step(np.zeros(2), np.array([3.0, -0.2])), [-0.1, 0.1])


@pytest.mark.parametrize(
    ("received", "expected"), [([1.0, 4.0], 0.0), ([1.0, 3.0], 0.25), ([-1.0, 4.0], 0.5), ([[1.0, 4.0]], np.inf)]
)
def test_a_deviation_is_a_share_of_the_largest_value(received, expected):
    assert deviation(np.array(received), np.array([1.0, 4.0])) == expected


def test_nan_deviates_without_measure():
    assert np.isnan(deviation(np.array([1.0, np.nan]), np.array([1.0, 4.0])))
