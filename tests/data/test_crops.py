import numpy as np
import pytest

from ganlab.data.crops import CROPS, area_of, cut, fit, scaled

FACE = (60, 50, 40, 80)


@pytest.mark.parametrize(
    ("crop", "area"),
    [("box", FACE), ("square", (40, 50, 80, 80)), ("center", (0, 20, 178, 178)), ("none", (0, 0, 178, 218))],
)
def test_each_crop_keeps_its_part_of_the_photo(crop, area):
    assert area_of(crop, 178, 218, FACE) == area


@pytest.mark.parametrize(
    ("face", "area"),
    [
        ((0, 10, 20, 60), (0, 10, 60, 60)),  # at the left border
        ((170, 150, 8, 68), (110, 150, 68, 68)),  # at the right border, the whole height of the box
        ((0, 0, 178, 218), (0, 20, 178, 178)),  # larger than any square in the photo
    ],
)
def test_a_square_at_the_border_is_moved_into_the_photo(face, area):
    assert area_of("square", 178, 218, face) == area


def test_no_area_leaves_its_photo():
    rng = np.random.default_rng(0)
    for _ in range(500):
        width, height = (int(n) for n in rng.integers(1, 50, 2))
        x, y = int(rng.integers(width)), int(rng.integers(height))
        face = (x, y, int(rng.integers(1, width - x + 1)), int(rng.integers(1, height - y + 1)))
        for crop in CROPS:
            left, top, part_width, part_height = area_of(crop, width, height, face)
            assert left >= 0 and top >= 0 and part_width > 0 and part_height > 0
            assert left + part_width <= width and top + part_height <= height


def test_a_box_of_a_reduced_photo_fits_the_photo_itself():
    assert scaled((10, 20, 30, 40), 2.5, 1000, 1000) == (25, 50, 75, 100)
    assert scaled((0, 0, 10, 10), 3.3, 32, 33) == (0, 0, 32, 33)  # not a pixel beyond the border
    assert scaled((9, 9, 1, 1), 3.3, 30, 30) == (29, 29, 1, 1)


def test_a_cut_shows_nothing_from_outside_of_the_area():
    photo = np.full((100, 100, 3), 255, np.uint8)
    photo[20:60, 30:50] = (10, 20, 30)
    image = cut(photo, (30, 20, 20, 40), 16)
    assert image.shape == (16, 16, 3) and image.dtype == np.uint8
    assert (image == (10, 20, 30)).all()


def test_an_area_of_the_right_size_is_cut_unchanged():
    photo = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    assert (cut(photo, (7, 3, 40, 40), 40) == photo[3:43, 7:47]).all()


@pytest.mark.parametrize(
    ("shape", "fitted"), [((400, 1000), (205, 512)), ((512, 512), (512, 512)), ((5000, 1), (512, 1))]
)
def test_a_large_photo_is_reduced_to_the_longest_side(shape, fitted):
    assert fit(np.zeros((*shape, 3), np.uint8), 512).shape == (*fitted, 3)
