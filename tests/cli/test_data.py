"""ganlab data NAME: a grid of real images. The list of data sets is in test_listing_commands."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganlab.cli.data import choose_images
from ganlab.config.schema import Data
from ganlab.data.dataset import Split
from ganlab.data.registry import load_dataset
from ganlab.errors import GanlabError


@pytest.fixture(scope="module")
def digits():
    return load_dataset(Data(name="digits"))


def labels_of(dataset, images):
    """The label of each image, found by its pixels."""
    known = {image.tobytes(): label for image, label in zip(dataset.train.images, dataset.train.labels, strict=True)}
    return [int(known[image.tobytes()]) for image in images]


def test_each_row_of_a_grid_has_the_next_class_and_no_image_twice(digits):
    images = choose_images(digits, 12, 5, seed=0)
    assert labels_of(digits, images) == [row % 10 for row in range(12) for _ in range(5)]
    assert len({image.tobytes() for image in images}) == 60


def test_the_seed_alone_chooses_the_images(digits):
    first, again, other = (choose_images(digits, 3, 3, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_grid_is_a_picture_of_its_images(ganlab, tmp_path, digits):
    code, out, _ = ganlab("data", "digits", "--grid", "2x3", "--out", "real.png")
    assert (code, out) == (0, "real.png\n")
    with Image.open(tmp_path / "real.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (2 * 58 + 2, 3 * 58 + 2)
    # An image of 8 pixels a side is enlarged to 56, and has a frame of 2.
    shown = np.array(
        [pixels[58 * row + 2 :: 7, 58 * column + 2 :: 7][:8, :8] for row in range(2) for column in range(3)]
    )
    assert np.array_equal(shown, choose_images(digits, 2, 3, 0)[..., 0])


def test_a_config_gives_its_data_and_images_without_labels_fill_the_grid(ganlab, tmp_path):
    (tmp_path / "photos").mkdir()
    for index in range(4):
        Image.new("RGB", (8, 8), (60 * index, 0, 0)).save(tmp_path / "photos" / f"{index}.png")
    text = (tmp_path / "tiny.yaml").read_text()
    section = next(line for line in text.splitlines() if line.startswith("data:"))
    (tmp_path / "own.yaml").write_text(text.replace(section, "data: {name: folder, source: photos}"))
    code, out, err = ganlab("data", "own.yaml", "--grid", "2x2", "--out", "real.png")
    assert (code, out) == (0, "real.png\n"), err
    with Image.open(tmp_path / "real.png") as picture:
        assert {picture.getpixel((x, y))[0] for x in (9, 67) for y in (9, 67)} == {0, 60, 120, 180}
    _, _, err = ganlab("data", "own.yaml", "--grid", "2x3", "--out", "real.png")
    assert err == "--grid 2x3: folder has 4 images, not 6\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["digits"], 2, "a grid of images needs NAME and --out; it goes without --json"),
        (["--grid", "2x2"], 2, "a grid of images needs NAME and --out"),
        (["digits", "--out", "a.png", "--json"], 2, "a grid of images needs NAME and --out"),
        (["digits", "--out", "a.xyz"], 2, "--out a.xyz: expected a name with the suffix of a picture"),
        (["digits", "--out", "a.png", "--grid", "5,5"], 2, "expected rows and columns from 1 to 99, such as 5x5"),
        (["digits", "--out", "a.png", "--grid", "0x5"], 2, "expected rows and columns from 1 to 99, such as 5x5"),
        (["digitz", "--out", "a.png"], 2, "unknown data set 'digitz'. Did you mean 'digits'?"),
        (
            ["Meine Fotos", "--out", "a.png"],
            2,
            "Meine Fotos: expected a data set or a config; in a config, a folder of",
        ),
        (["folder", "--out", "a.png"], 2, "data.source: expected a folder or a zip of pictures"),
        (["digits", "--out", "a.png", "--grid", "99x99"], 2, "--grid 99x99: digits has 178 images of class 0, not 198"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(ganlab, tmp_path, words, code, message):
    found, out, err = ganlab("data", *words)
    assert (found, out) == (code, "") and message in err
    assert not list(tmp_path.glob("a.*"))


def test_samples_that_are_no_images_are_refused(digits):
    points = replace(digits, name="points", train=Split(np.zeros((9, 2), np.float32)))
    with pytest.raises(GanlabError, match=r"points: expected images, received samples of the shape \(2,\)"):
        choose_images(points, 1, 1, 0)
