import pytest

from ganlab.metrics.names import NAMES
from ganlab.metrics.random_network import build_random_network


def test_the_recipe_is_that_of_published_values():
    assert NAMES["fd1k_random"].fingerprint == "31c397cd1b48e300"


@pytest.mark.parametrize(
    ("shape", "widths", "features"),
    [
        ((4, 4, 1), [], 4 * 4 * 1),
        ((5, 5, 1), [16], 3 * 3 * 16),
        ((9, 9, 1), [32, 16], 3 * 3 * 16),
        ((128, 16, 3), [32, 64, 64, 64, 16], 4 * 1 * 16),
        ((3, 65, 2), [32, 64, 64, 64, 16], 1 * 3 * 16),
    ],
)
def test_convolutions_halve_the_sides_down_to_at_most_four_and_the_last_one_is_narrow(shape, widths, features):
    model = build_random_network(shape)
    convolutions = [layer for layer in model.layers if hasattr(layer, "filters")]
    assert [layer.filters for layer in convolutions] == widths
    assert {(layer.kernel_size, layer.strides, layer.padding) for layer in convolutions} <= {((3, 3), (2, 2), "same")}
    assert {layer.negative_slope for layer in model.layers if hasattr(layer, "negative_slope")} <= {0.2}
    assert model.output["features"].shape == (None, features)
