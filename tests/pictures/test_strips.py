import numpy as np
import pytest
from PIL import Image

from ganlab.errors import GanlabError
from ganlab.pictures.images import write_image
from ganlab.pictures.strips import choose_steps, write_strip
from tests.data.test_damaged_pictures import png


@pytest.mark.parametrize(
    ("available", "wanted", "chosen"),
    [
        ([], [], []),
        ([500], [], [500]),
        ([1, 20, 40], [], [1, 20, 40]),
        ([1, 100, *range(200, 4001, 200)], [1, 100, 200, 4000], [1, 100, 200, 4000]),
        ([1, 2, 3], [1, 100], [1, 2, 3]),
        ([1, 100, *range(200, 4001, 200)], [], [1, 100, 400, 800, 1400, 2000, 3000, 4000]),
        (list(range(500, 30_001, 500)), [], [500, 1000, 2500, 5500, 10_000, 15_500, 22_000, 30_000]),
    ],
)
def test_the_steps_asked_for_are_shown_else_eight_densest_at_the_beginning(available, wanted, chosen):
    assert choose_steps(available, wanted) == chosen


def grids(folder, count, side=40):
    return [
        write_image(folder / f"{index}.png", np.full((side, side, 3), (index * 20, 200, 10), np.uint8))
        for index in range(count)
    ]


def test_grids_stand_in_rows_of_four_and_keep_their_pixels(tmp_path):
    path = write_strip(tmp_path / "strip.png", grids(tmp_path, 6), [f"step {index}" for index in range(6)], "run")
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    places = [np.argwhere((pixels == (index * 20, 200, 10)).all(-1)) for index in range(6)]
    assert [len(place) for place in places] == [40 * 40] * 6
    tops, lefts = [place[0][0] for place in places], [place[0][1] for place in places]
    assert tops[:4] == [tops[0]] * 4 and tops[4] == tops[5] > tops[0] + 40
    assert lefts[:4] == sorted(set(lefts[:4])) and lefts[4:] == lefts[:2]


def test_captions_and_title_are_written(tmp_path):
    pictures = grids(tmp_path, 2)
    empty = write_strip(tmp_path / "empty.png", pictures, ["", ""], "")
    told = write_strip(tmp_path / "told.png", pictures, ["step $1", ""], "exp03 $x_{")
    with Image.open(empty) as without, Image.open(told) as having:
        assert without.size == having.size
        changed = np.argwhere((np.asarray(without) != np.asarray(having)).any(-1))
    assert len({row for row, _ in changed}) > 20


def test_the_same_grids_give_the_same_bytes(tmp_path):
    pictures = grids(tmp_path, 3)
    first, second = (write_strip(tmp_path / name, pictures, "abc", "run").read_bytes() for name in ("a.png", "b.png"))
    assert first == second


def test_large_grids_are_made_smaller(tmp_path):
    path = write_strip(tmp_path / "strip.png", grids(tmp_path, 2, side=900), "ab", "run")
    with Image.open(path) as picture:
        assert picture.width == 2 * (420 + 16) + 16


def test_grids_that_are_not_there_are_an_error(tmp_path):
    with pytest.raises(GanlabError, match="expected at least one grid"):
        write_strip(tmp_path / "strip.png", [], [], "run")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG")
    with pytest.raises(GanlabError, match=r"torn.png: cannot be read as a picture"):
        write_strip(tmp_path / "strip.png", [tmp_path / "torn.png"], ["a"], "run")
    assert not (tmp_path / "strip.png").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(owned) (w) file closefile\n%%EOF\n",
        png(60_000, 60_000, (b"IDAT", b"")),
        png(10_000, 9_000, (b"IDAT", b"")),
    ],
    ids=["PostScript, which Pillow has Ghostscript run", "bomb", "half a bomb"],
)
def test_a_grid_of_someone_else_is_a_png_of_a_sensible_size_or_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(GanlabError, match=r"a\.png: cannot be read as a picture") as caught:
        write_strip(tmp_path / "strip.png", [tmp_path / "a.png"], ["a"], "run")
    assert "\n" not in str(caught.value)
