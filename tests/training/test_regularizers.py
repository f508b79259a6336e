import pytest
from keras import ops

from ganlab.training.regularizers import consistency, latent_distance, lecam


def logits(*values: float):
    return ops.convert_to_tensor([[value] for value in values], "float32")


def test_lecam_is_the_squared_distance_from_the_average_of_the_other_side():
    value = lecam(logits(3.0, 1.0), logits(-1.0, 0.0), ops.convert_to_tensor(2.0), ops.convert_to_tensor(-1.0))
    assert float(value) == pytest.approx((4**2 + 2**2) / 2 + (3**2 + 2**2) / 2)


def test_consistency_is_the_squared_difference_of_the_outputs():
    assert float(consistency(logits(3.0, 1.0), logits(1.0, 2.0))) == pytest.approx((2**2 + 1**2) / 2)


def test_the_latent_distance_is_the_mean_over_all_values():
    one, other = (ops.convert_to_tensor(values, "float32") for values in ([[[1.0, 0.0]]], [[[4.0, -1.0]]]))
    assert float(latent_distance(one, other)) == pytest.approx((3**2 + 1**2) / 2)
