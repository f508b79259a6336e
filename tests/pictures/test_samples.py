import numpy as np
import pytest
from PIL import Image

from ganlab.errors import GanlabError
from ganlab.pictures.images import arrange_grid, displayed
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


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_are_a_grid_alone(tmp_path, dtype):
    images = np.random.default_rng(0).uniform(-1.4, 1.4, (4, 8, 8, 1)).astype(np.float32)
    as_bytes = displayed(images, "tanh")
    write_samples(tmp_path / "000500.png", images if dtype == np.float32 else as_bytes, (2, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["000500.png"]
    assert np.array_equal(pixels(tmp_path / "000500.png")[..., :1], arrange_grid(as_bytes, 2, 2))


def test_images_that_are_not_finite_are_an_error(tmp_path):
    with pytest.raises(GanlabError, match="expected finite values"):
        write_samples(tmp_path / "a.png", np.full((1, 8, 8, 1), np.nan, np.float32), (1, 1))


def test_points_are_a_picture_and_an_array_of_the_same_name(tmp_path):
    write_samples(tmp_path / "samples" / "000500.png", CIRCLE, (2, 2), real=CIRCLE * 1.5)
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["000500.npy", "000500.png"]
    read = np.load(tmp_path / "samples" / "000500.npy", allow_pickle=False)
    assert read.dtype == np.float32 and np.array_equal(read, CIRCLE)
    assert len(places(tmp_path / "samples" / "000500.png", GREY)) > 100


def test_points_stand_where_they_are_and_the_real_ones_decide_the_borders(tmp_path):
    shown = [write_scatter(tmp_path / f"{x}.png", np.array([[x, 0.5]] * 3), CIRCLE) for x in (-1.0, 0.0, 1.0)]
    centres = [places(path, ORANGE).mean(axis=0) for path in shown]
    assert centres[0][0] == pytest.approx(centres[1][0], abs=1)
    # From -1 to 1 of 2 + 2 * 0.25 * 2 in all: two thirds of the axes' width, which is most of the picture's 500 pixels.
    assert centres[2][1] - centres[1][1] == pytest.approx(centres[1][1] - centres[0][1], abs=2)
    assert 220 < centres[2][1] - centres[0][1] < 334
    upper = places(write_scatter(tmp_path / "up.png", np.array([[0.0, 1.0]] * 3), CIRCLE), ORANGE).mean(axis=0)
    assert upper[0] < centres[1][0] - 50


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
    write_samples(tmp_path / "a.png", samples, (2, 2), real=real)
    assert pixels(tmp_path / "a.png").shape == (500, 500, 3) and not recwarn.list


def test_numbers_are_drawn_as_histograms(tmp_path):
    random = np.random.default_rng(0)
    write_scatter(tmp_path / "a.png", random.normal(size=(500, 1)) / 3, random.normal(size=(500, 1)))
    found = pixels(tmp_path / "a.png")[60:450].astype(int)
    orange = np.argwhere(abs(found - (212, 134, 101)).sum(-1) < 60)
    assert 60 < np.ptp(orange[:, 1]) < 250, "a third as wide as the real ones"


def test_the_same_points_give_the_same_bytes(tmp_path):
    first, second = (write_scatter(tmp_path / name, CIRCLE, CIRCLE).read_bytes() for name in ("a.png", "b.png"))
    assert first == second
