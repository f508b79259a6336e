import numpy as np
import pytest
from PIL import Image

from ganlab.pictures.estimates import write_estimates

RED, GREEN = (220, 38, 38), (21, 128, 61)
TARGET = np.array([[0.7, 0.3]], np.float32)


def written(folder, steps):
    """The arrays of the steps as files."""
    files = [folder / f"{number:06d}.npy" for number in range(len(steps))]
    for file, points in zip(files, steps, strict=True):
        np.save(file, np.asarray(points, np.float32))
    return files


def pixels(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def places(image, colour) -> np.ndarray:
    """(row, column) of each pixel of a colour, below the legend."""
    found = np.argwhere((image == colour).all(-1))
    return found[found[:, 0] > 40]


def test_estimates_go_from_light_to_dark_and_the_last_is_green(tmp_path):
    places_of_steps = [[0.2, 0.8], [0.4, 0.6], [0.55, 0.45], [0.9, 0.9]]
    steps = [[place] * 2 for place in places_of_steps]
    image = pixels(write_estimates(tmp_path / "a.png", written(tmp_path, steps), TARGET, (0, 1)))
    cross, last = places(image, RED).mean(axis=0), places(image, GREEN).mean(axis=0)
    # Both axes go from 0 to 1, so the cross and the last step give the place of each other point.
    scale = (last - cross) / [0.3 - 0.9, 0.9 - 0.7]

    def shade(x, y):
        row, column = (cross + scale * [0.3 - y, x - 0.7]).round().astype(int)
        return image[row, column].tolist()

    shades = [shade(*place) for place in places_of_steps[:3]]
    assert all(len(set(colour)) == 1 for colour in shades)  # grey
    first, second, third = (colour[0] for colour in shades)
    assert 255 > first > second > third
    assert len(places(image, RED)) > 20


def test_one_step_and_values_that_are_not_finite_are_drawn_without_warnings(tmp_path, recwarn):
    files = written(tmp_path, [[[np.nan, 0.5], [0.5, 0.5]]])
    image = pixels(write_estimates(tmp_path / "a.png", files, TARGET, (0, 1)))
    assert len(places(image, GREEN)) and not recwarn.list


@pytest.mark.parametrize("real", [np.zeros((500, 2)), np.random.default_rng(0).normal(size=(500, 3))])
def test_any_real_samples_are_targets(tmp_path, real):
    files = written(tmp_path, [real[:4], real[4:8]])
    assert len(places(pixels(write_estimates(tmp_path / "a.png", files, real, (-1, 1))), RED))
