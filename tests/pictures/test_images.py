import numpy as np
import pytest
from PIL import Image

from ganlab.errors import GanlabError
from ganlab.pictures.images import (
    arrange_grid,
    film_frames,
    frame_seconds,
    from_uint8,
    to_uint8,
    write_beside,
    write_film,
    write_grid,
    write_image,
)

BYTES = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("value_range", ["tanh", "sigmoid"])
def test_bytes_survive_the_way_to_floats_and_back(value_range):
    floats = from_uint8(BYTES, value_range)
    assert floats.dtype == np.float32 and np.array_equal(to_uint8(floats, value_range), BYTES)


@pytest.mark.parametrize(
    ("value_range", "floats", "expected"),
    [
        ("tanh", [-1, 0, 1], [0, 128, 255]),  # 127.5 rounds to even
        ("tanh", [-1.2, 1.2, -0.5], [0, 255, 64]),
        ("sigmoid", [0, 0.5, 1], [0, 128, 255]),
        ("sigmoid", [-0.1, 1.1, 0.1], [0, 255, 26]),
    ],
)
def test_floats_become_bytes(value_range, floats, expected):
    assert to_uint8(np.array(floats, np.float32), value_range).tolist() == expected


@pytest.mark.parametrize(
    ("value_range", "expected"), [("tanh", [0, 0, 128, 255, 255, 255]), ("sigmoid", [0, 0, 0, 255, 255, 255])]
)
def test_values_outside_the_range_are_clipped_however_far_outside_they_are(value_range, expected):
    floats = np.array([-300, -1, 0, 1, 7e9, np.inf], np.float32)
    assert to_uint8(floats, value_range).tolist() == expected


def test_a_value_that_is_no_number_is_an_error():
    with pytest.raises(GanlabError, match=r"^images: expected finite values, received NaN\.$"):
        to_uint8(np.array([0, np.nan], np.float32), "tanh")


def test_networks_in_low_precision_give_bytes_too():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    assert to_uint8(np.array([-1, 0, 1], bfloat16), "tanh").tolist() == [0, 128, 255]
    assert to_uint8(np.array([-9, 0, 9], bfloat16), "tanh").tolist() == [0, 128, 255]


def test_bytes_are_not_taken_for_floats():
    with pytest.raises(GanlabError, match="expected floats in the tanh range, received uint8 values"):
        to_uint8(BYTES, "tanh")


@pytest.mark.parametrize(("side", "cell"), [(8, 56), (28, 56), (32, 64), (40, 80), (64, 64), (100, 100)])
def test_small_images_are_enlarged_by_a_whole_factor(side, cell):
    images = np.zeros((1, side, side, 3), np.uint8)
    assert arrange_grid(images, 1, 1).shape == (cell + 4, cell + 4, 3)


def test_a_grid_is_filled_row_by_row_and_keeps_pixels_sharp():
    images = np.array([10, 20, 30], np.uint8).reshape(3, 1, 1, 1) * np.ones((1, 28, 28, 1), np.uint8)
    images[0, 0, 0] = 99
    grid = arrange_grid(images, 2, 2)[..., 0]
    assert grid.shape == (2 + 58 + 58, 2 + 58 + 58)
    assert (grid[2:4, 2:4] == 99).all() and (grid[4:58, 2:58] == 10).all()
    assert (grid[2:58, 60:116] == 20).all() and (grid[60:116, 2:58] == 30).all()
    frame = grid[0, 0]
    assert (grid[60:116, 60:116] == frame).all() and (grid[58:60] == frame).all()


@pytest.mark.parametrize(
    "images",
    [np.zeros((5, 8, 8, 1), np.uint8), np.zeros((4, 8, 8), np.uint8), np.zeros((4, 8, 8, 1), np.float32)],
    ids=["too many", "no channels", "floats"],
)
def test_a_grid_takes_no_other_arrays(images):
    with pytest.raises(GanlabError, match=r"image grid: expected at most 2 x 2 uint8 images \(N, H, W, C\)"):
        arrange_grid(images, 2, 2)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_on_disk_has_the_pixels_of_the_grid(tmp_path, channels):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, channels), np.uint8)
    path = write_grid(tmp_path / "new" / "grid.png", images, 2, 2)
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture).reshape(118, 118, channels), arrange_grid(images, 2, 2))


def test_the_same_pixels_give_the_same_bytes(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    first, second = write_image(tmp_path / "a.png", image), write_image(tmp_path / "b.png", image)
    assert first.read_bytes() == second.read_bytes()
    frames = [image, image[::-1]]
    films = [write_film(tmp_path / name, frames) for name in ("a.gif", "b.gif")]
    assert films[0].read_bytes() == films[1].read_bytes()


def test_a_film_shows_its_frames_and_stays_on_the_last(tmp_path):
    paths = [
        write_image(tmp_path / f"{i}.png", np.full((20, 20), value, np.uint8)) for i, value in enumerate((0, 100, 200))
    ]
    with Image.open(write_film(tmp_path / "a.gif", paths)) as film:
        assert film.n_frames == 3 and film.info["loop"] == 0
        seen = []
        for index in range(3):
            film.seek(index)
            seen.append((int(np.asarray(film.convert("L"))[0, 0]), film.info["duration"]))
    assert seen == [(0, 150), (100, 150), (200, 1500)]


@pytest.mark.parametrize(("side", "expected"), [(4, 300), (800, 234), (1000, 200)])
def test_a_film_has_fewer_frames_if_they_are_large_but_keeps_both_ends(tmp_path, side, expected):
    frames = [np.full((side, side), index % 256, np.uint8) for index in range(300)]
    frames[-1] = np.full((side, side), 250, np.uint8)
    count, pictures = film_frames(tmp_path / "a.gif", frames)
    shown = [int(np.asarray(picture)[0, 0]) for picture in pictures]
    assert count == len(shown) == expected and (shown[0], shown[-1]) == (0, 250)


def test_a_film_of_small_frames_has_two_thousand(tmp_path):
    frames = [np.full((4, 4), index % 256, np.uint8) for index in range(2101)]
    assert film_frames(tmp_path / "a.gif", frames)[0] == 2000


def test_a_film_of_many_frames_shows_them_faster(tmp_path):
    assert [frame_seconds(count) for count in (3, 200, 400, 2000)] == [0.15, 0.15, 0.075, 0.02]
    with Image.open(
        write_film(tmp_path / "a.gif", [np.full((4, 4), index % 250, np.uint8) for index in range(400)])
    ) as film:
        film.seek(1)
        assert film.n_frames == 400 and film.info["duration"] in (70, 80)  # a GIF counts hundredths of a second


def test_two_batches_stand_beside_each_other_in_as_many_rows_as_can_be_read_again(tmp_path, monkeypatch):
    left = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 1), np.uint8)
    right = left[::-1] / np.float32(127.5) - 1
    for most, rows in ((80_000_000, 3), (2 * 60 * 118 * 2, 2), (1, 1)):
        monkeypatch.setattr("ganlab.pictures.images._SHEET_PIXELS", most)
        with Image.open(write_beside(tmp_path / "a.png", left, right, "tanh", (3, 2))) as picture:
            image = np.asarray(picture)
        expected = [arrange_grid(images[: 2 * rows], rows, 2)[..., 0] for images in (left, left[::-1])]
        width = expected[0].shape[1]
        np.testing.assert_array_equal(image[:, :width], expected[0])
        np.testing.assert_array_equal(image[:, width + 24 :], expected[1])
    with pytest.raises(GanlabError, match="expected finite values"):
        write_beside(tmp_path / "b.png", left, right * np.nan, "tanh", (3, 2))
    assert not (tmp_path / "b.png").exists()


def test_smaller_frames_of_a_film_are_enlarged_by_whole_factors_and_centred(tmp_path):
    random = np.random.default_rng(0)
    small = write_image(tmp_path / "small.png", random.integers(0, 2, (4, 5, 3), np.uint8) * 255)
    frames = [small, np.zeros((3, 11, 3), np.uint8), np.full((9, 8, 3), 255, np.uint8)]
    with Image.open(write_film(tmp_path / "a.gif", frames)) as film:
        assert film.size == (11, 9) and film.n_frames == 3
        shown = []
        for index in range(3):
            film.seek(index)
            shown.append(np.asarray(film.convert("RGB")).astype(int))
    with Image.open(small) as picture:
        expected = np.asarray(picture).repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(shown[0][0:8, 0:10] > 127, expected > 127)
    assert (abs(shown[0][8:] - 48) < 3).all() and (abs(shown[0][:, 10:] - 48) < 3).all()
    assert (shown[1][3:6] < 3).all() and (abs(shown[1][:3] - 48) < 3).all() and (abs(shown[1][6:] - 48) < 3).all()
    assert (shown[2][:, 1:9] > 252).all() and (abs(shown[2][:, 9:] - 48) < 3).all()


def test_grey_frames_of_several_sizes_stay_grey(tmp_path):
    frames = [np.full((8, 8, 1), 200, np.uint8), np.full((20, 20, 1), 90, np.uint8)]
    with Image.open(write_film(tmp_path / "a.gif", frames)) as film:
        first = np.asarray(film.convert("RGB"))
    assert (first[2:18, 2:18] == 200).all() and (first[0] == 48).all()


def test_a_film_needs_frames_that_can_be_read(tmp_path):
    with pytest.raises(GanlabError, match="expected at least one frame, received none"):
        write_film(tmp_path / "a.gif", [])
    good = write_image(tmp_path / "good.png", np.zeros((8, 8), np.uint8))
    (tmp_path / "bad.png").write_bytes(good.read_bytes()[:40])
    with pytest.raises(GanlabError, match=r"bad\.png: cannot be read as a picture"):
        write_film(tmp_path / "a.gif", [good, tmp_path / "bad.png"])


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(tmp_path):
    path = write_film(tmp_path / "a.gif", [np.zeros((8, 8), np.uint8)])
    before = path.read_bytes()
    with pytest.raises(GanlabError):
        write_film(path, [np.zeros((8, 8), np.uint8), tmp_path / "missing.png"])
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("suffix", "size"), [("qoi", (4, 4)), ("webp", (2, 16_400))])
def test_a_format_without_such_pictures_is_one_line(tmp_path, suffix, size):
    with pytest.raises(GanlabError, match=rf"x\.{suffix}: \.{suffix} takes no picture of {size[1]} x {size[0]} pixels"):
        write_image(tmp_path / f"x.{suffix}", np.zeros(size, np.uint8))
    assert list(tmp_path.iterdir()) == []
