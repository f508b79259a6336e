import numpy as np
import pytest
from PIL import Image, ImageDraw

from ganlab.errors import GanlabError
from ganlab.pictures.networks import LayerRow, NetworkDrawing, write_drawing

GENERATOR = NetworkDrawing(
    "generator",
    [
        LayerRow("latents", "InputLayer", (None, 100), 0),
        LayerRow("dense", "Dense", (None, 6272), 633472),
        LayerRow("reshape", "Reshape", (None, 7, 7, 128), 0),
        LayerRow("conv", "Conv2D", (None, None, None, 1), 2049),
    ],
)
DISCRIMINATOR = NetworkDrawing(
    "discriminator", [LayerRow("flatten", "Flatten", (784,), 0), LayerRow("dense_1", "Dense", (1,), 785)]
)


@pytest.fixture
def texts(monkeypatch) -> list[str]:
    """What is written into the picture, in order."""
    seen, draw_text = [], ImageDraw.ImageDraw.text

    def text(self, xy, text, *args, **more):
        seen.append(text)
        return draw_text(self, xy, text, *args, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return seen


def test_every_layer_is_named_with_its_shape_and_parameters(tmp_path, texts):
    write_drawing(tmp_path / "gan.png", [GENERATOR, DISCRIMINATOR])
    written = [text for text in texts if text]
    assert written[:2] == ["generator", "635,521 parameters"]
    assert written[2:5] == ["InputLayer", "latents", "100"]
    assert written[5:9] == ["Dense", "dense", "6,272", "633,472 parameters"]
    assert written[9:12] == ["Reshape", "reshape", "7 x 7 x 128"]
    assert written[12:16] == ["Conv2D", "conv", "any x any x 1", "2,049 parameters"]
    assert written[16:] == [
        "discriminator",
        "785 parameters",
        *("Flatten", "flatten", "784"),
        *("Dense", "dense_1", "1", "785 parameters"),
    ]


def test_the_font_has_every_character_that_is_drawn(tmp_path, texts):
    from PIL import ImageFont

    write_drawing(tmp_path / "gan.png", [GENERATOR, DISCRIMINATOR])
    font = ImageFont.load_default(30)
    missing = bytes(font.getmask("\uffff"))
    assert [char for char in set("".join(texts)) - {" "} if bytes(font.getmask(char)) == missing] == []


def test_the_picture_grows_with_the_networks_and_nothing_touches_its_edge(tmp_path):
    one = write_drawing(tmp_path / "one.png", [GENERATOR])
    two = write_drawing(tmp_path / "two.png", [GENERATOR, DISCRIMINATOR])
    deep = NetworkDrawing("a", [LayerRow("a_very_long_layer_name_that_needs_room" * 2, "Dense", (1,) * 8, 10**9)] * 30)
    three = write_drawing(tmp_path / "three.png", [deep, DISCRIMINATOR])
    sizes = []
    for path in (one, two, three):
        with Image.open(path) as picture:
            sizes.append(picture.size)
            pixels = np.asarray(picture)
        edge = np.concatenate(
            [pixels[:20].ravel(), pixels[-20:].ravel(), pixels[:, :20].ravel(), pixels[:, -20:].ravel()]
        )
        assert (edge == 255).all() and (pixels < 255).any()
    assert sizes[0][0] < sizes[1][0] < sizes[2][0] and sizes[0][1] == sizes[1][1] < sizes[2][1]


def test_an_arrow_joins_the_networks(tmp_path):
    def ink_between(networks):
        with Image.open(write_drawing(tmp_path / "a.png", networks)) as picture:
            pixels = np.asarray(picture.convert("L"))
        # A column of pixels that is dark nearly from top to bottom is the arrow's way up.
        return (pixels < 128).mean(axis=0).max()

    assert ink_between([GENERATOR]) < 0.55 < ink_between([GENERATOR, DISCRIMINATOR])


@pytest.mark.parametrize("networks", [[], [NetworkDrawing("generator", [])]])
def test_nothing_to_draw_is_an_error(tmp_path, networks):
    with pytest.raises(GanlabError, match="expected networks with at least one layer each"):
        write_drawing(tmp_path / "gan.png", networks)
    assert not list(tmp_path.iterdir())
