import numpy as np
import pytest

from tests.oracle import autodiff as ad
from tests.oracle.autodiff import Tensor

NUMBERS = np.random.default_rng(0)
X, W = NUMBERS.normal(size=(4, 3)), NUMBERS.normal(size=(3, 2))
FUNCTIONS = {
    "products and sums": lambda x: ad.total((x @ Tensor(W)) ** 2.0, 1) + ad.mean(x),
    "a quotient": lambda x: x / (x * x + 2.0) - (1.0 - x),
    "parts": lambda x: ad.concatenate([x[:2] * 3.0, x[1:]], 0) ** 3.0,
    "a mean over the batch": lambda x: (x - ad.mean(x, 0)) * (ad.mean(x**2.0, 0) + 1.0) ** -0.5,
    "a change of shape": lambda x: ad.reshape(x, (2, 6)) @ Tensor(NUMBERS_6) ** 2.0,
    "exp and log": lambda x: ad.log(ad.exp(x) + 1.0),
    "the logarithm of a sum of exponentials": lambda x: ad.log_sum_exp(x * 3.0),
    "tanh": lambda x: ad.tanh(x) * x,
    "sigmoid": lambda x: ad.sigmoid(2.0 * x),
    "softplus": lambda x: ad.softplus(-x) * x,
    "relu": lambda x: ad.relu(x, 0.2) ** 2.0,
}
NUMBERS_6 = NUMBERS.normal(size=(6, 2))


def slopes(function, x: np.ndarray) -> np.ndarray:
    """Central differences of the sum of a function's values."""
    found, step = np.zeros(x.shape), 1e-6
    for place in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            ends.append(function(Tensor(moved)).value.sum())
        found[place] = (ends[0] - ends[1]) / (2 * step)
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_of_finite_differences_and_so_are_gradients_of_gradients(name):
    function = FUNCTIONS[name]

    def length(x):
        return ad.gradients(function(x), [x])[0] ** 2.0

    x = Tensor(X)
    np.testing.assert_allclose(ad.gradients(function(x), [x])[0].value, slopes(function, X), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(ad.gradients(length(x), [x])[0].value, slopes(length, X), rtol=1e-6, atol=1e-6)


def test_what_an_output_does_not_depend_on_has_the_gradient_zero():
    x, other = Tensor(X), Tensor(W)
    assert not ad.gradients(x * 2.0, [other])[0].value.any()
