import numpy as np
import pytest

from ganlab.data import load_dataset
from ganlab.data.registry import list_datasets, published_form
from ganlab.errors import ConfigError
from tests.data.samples import options


def drawn(image: np.ndarray) -> list[str]:
    """The rows of a black-and-white image, with a # for each white pixel."""
    assert set(np.unique(image)) == {0, 255} and image.dtype == np.uint8
    return ["".join(".#"[int(pixel > 0)] for pixel in row) for row in image[..., 0]]


def test_the_point_is_one_sample_of_two_numbers():
    dataset = load_dataset(options("point"))
    assert dataset.train.images.dtype == np.float32 and dataset.train.images.tolist() == [pytest.approx([0.7, 0.3])]
    assert (dataset.shape, dataset.form.is_image, dataset.train.labels, dataset.test) == ((2,), False, None, None)


def test_the_true_image_is_a_square_with_a_diagonal_line():
    dataset = load_dataset(options("true_image"))
    assert dataset.shape == (10, 10, 1) and dataset.count == 1
    assert drawn(dataset.train.images[0]) == [
        "..........",
        ".########.",
        ".##.....#.",
        ".#.#....#.",
        ".#..#...#.",
        ".#...#..#.",
        ".#....#.#.",
        ".#.....##.",
        ".########.",
        "..........",
    ]


def test_the_tiny_digits_are_ten_labelled_images():
    dataset = load_dataset(options("tiny_digits"))
    assert dataset.shape == (10, 10, 1) and dataset.train.labels.tolist() == list(range(10))
    assert dataset.class_names == tuple("0123456789")
    assert len({image.tobytes() for image in dataset.train.images}) == 10
    assert drawn(dataset.train.images[4]) == [
        "..........",
        ".....#....",
        "....##....",
        "...#.#....",
        "..#..#....",
        "..#####...",
        ".....#....",
        ".....#....",
        "..........",
        "..........",
    ]


def test_they_are_listed_and_their_form_is_known():
    rows = {row["name"]: row for row in list_datasets()}
    assert [rows[name]["train"] for name in ("point", "true_image", "tiny_digits")] == [1, 1, 10]
    assert {rows[name]["found"] for name in ("point", "true_image", "tiny_digits")} == {"made by ganlab"}
    assert published_form(options("point")).shape == (2,)
    enlarged = published_form(options("tiny_digits", image_size=20))
    assert (enlarged.shape, enlarged.classes) == ((20, 20, 1), 10)


@pytest.mark.parametrize(("key", "value"), [("image_size", 10), ("grayscale", "luminosity"), ("flip", "horizontal")])
def test_a_point_refuses_the_options_of_images(key, value):
    with pytest.raises(ConfigError) as caught:
        load_dataset(options("point", **{key: value}))
    assert str(caught.value) == f"data.{key}: expected only for images, received {value} with 'name: point'"
