import numpy as np
import pytest
from PIL import Image

from ganlab.errors import GanlabError
from ganlab.pictures.images import arrange_grid, to_uint8
from ganlab.pictures.samples import write_samples, write_scatter

GREY, ORANGE = (156, 163, 175), (194, 65, 12)
CIRCLE = np.stack([np.cos(np.linspace(0, 6, 200)), np.sin(np.linspace(0, 6, 200))], 1).astype(np.float32)


def pixels(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def places(path, colour) -> np.ndarray:
    """(row, column) of every pixel of a colour, below the legend."""
    found = np.argwhere((pixels(path) == colour).all(-1))
    return found[found[:, 0] > 40]


def test_images_are_a_grid_alone(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    write_samples(tmp_path / "000500.png", images, (2, 2), "tanh")
    assert [path.name for path in tmp_path.iterdir()] == ["000500.png"]
    assert np.array_equal(pixels(tmp_path / "000500.png")[..., :1], arrange_grid(images, 2, 2))


def test_images_in_a_range_are_clipped_and_finite(tmp_path):
    images = np.random.default_rng(0).uniform(-1.4, 1.4, (4, 8, 8, 1)).astype(np.float32)
    write_samples(tmp_path / "a.png", images, (2, 2), "tanh")
    assert np.array_equal(pixels(tmp_path / "a.png")[..., :1], arrange_grid(to_uint8(images, "tanh"), 2, 2))
    with pytest.raises(GanlabError, match="expected finite values"):
        write_samples(tmp_path / "a.png", images * np.nan, (2, 2), "tanh")


def test_points_are_a_picture_and_an_array_of_the_same_name(tmp_path):
    write_samples(tmp_path / "samples" / "000500.png", CIRCLE, (2, 2), "tanh", CIRCLE * 1.5)
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["000500.npy", "000500.png"]
    read = np.load(tmp_path / "samples" / "000500.npy", allow_pickle=False)
    assert read.dtype == np.float32 and np.array_equal(read, CIRCLE)
    assert len(places(tmp_path / "samples" / "000500.png", GREY)) > 100


def test_points_stand_where_they_are_and_the_real_ones_decide_the_borders(tmp_path):
    def place(x, y):
        write_scatter(tmp_path / "a.png", np.array([[x, y]] * 3), CIRCLE)
        return places(tmp_path / "a.png", ORANGE).mean(axis=0)

    left, middle, right, above = place(-1, 0.5), place(0, 0.5), place(1, 0.5), place(0, 1)
    assert left[0] == pytest.approx(middle[0], abs=1) and above[0] < middle[0] - 50
    # From -1 to 1 of 2 + 2 * 0.25 * 2 in all: two thirds of the axes' width, which is most of the picture's 500 pixels.
    assert right[1] - middle[1] == pytest.approx(middle[1] - left[1], abs=2)
    assert 220 < right[1] - left[1] < 334


def test_around_one_real_point_the_plot_shows_the_value_range(tmp_path):
    def place(x, y, value_range):
        write_samples(tmp_path / "a.png", np.array([[x, y]] * 3), (2, 2), value_range, np.array([[0.7, 0.3]]))
        return places(tmp_path / "a.png", ORANGE).mean(axis=0)

    for value_range, corners in (("sigmoid", (0.05, 0.95)), ("tanh", (-0.9, 0.9))):
        upper, lower = place(corners[0], corners[1], value_range), place(corners[1], corners[0], value_range)
        assert lower[0] - upper[0] > 300 and lower[1] - upper[1] > 300


def test_points_outside_of_the_borders_are_counted(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    labels = []
    monkeypatch.setattr(Axes, "set_xlabel", lambda self, label: labels.append(label))
    write_scatter(tmp_path / "a.png", np.array([[0, 0], [50, 0], [0, np.nan], [0.5, -0.5]]), CIRCLE)
    assert labels == ["2 of 4 generated samples are within these borders"]


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((5, 2)),
        np.zeros(5),
        np.full((5, 3), np.nan),
        np.arange(12.0).reshape(2, 3, 2),
        np.full((4, 2), 1e300),
        np.array([[0.0, -np.inf], [1.0, 2.0]]),
    ],
    ids=["one place", "numbers", "nothing finite", "three axes", "huge", "infinite"],
)
@pytest.mark.parametrize("real", [None, CIRCLE])
def test_any_array_is_drawn_without_warnings(tmp_path, recwarn, samples, real):
    if real is not None:
        real = real.reshape(-1, 1) if samples.ndim == 1 else real
    write_samples(tmp_path / "a.png", samples, (2, 2), "tanh", real)
    assert pixels(tmp_path / "a.png").shape == (500, 500, 3) and not recwarn.list


def test_samples_of_one_number_stand_on_a_line(tmp_path):
    write_scatter(tmp_path / "a.png", np.linspace(-1, 1, 9), np.linspace(-1, 1, 5))
    assert np.ptp(places(tmp_path / "a.png", ORANGE), axis=0).tolist() == pytest.approx([3, 280], abs=40)


def test_the_same_points_give_the_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        write_scatter(tmp_path / name, CIRCLE, CIRCLE)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
