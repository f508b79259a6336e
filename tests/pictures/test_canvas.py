"""Whatever the user's matplotlib is told, pictures are the same bytes and nothing is said."""

import logging
import os
import subprocess
import sys
import warnings

import pytest
from PIL import Image

from ganlab.pictures.canvas import default_settings, drawing

ALL_PICTURES = """
import sys
from pathlib import Path
import numpy as np
from ganlab.pictures.images import write_grid
from ganlab.pictures.networks import LayerRow, write_drawing
from ganlab.pictures.plots import write_loss_sheet, write_losses, write_outputs
from ganlab.pictures.samples import write_samples
from ganlab.pictures.strips import write_strip

folder = Path(sys.argv[1])
history = {name: np.linspace(0, 1, 300) for name in ("d_loss", "g_loss", "d_real", "d_fake")}
write_losses(folder / "losses.png", history)
write_outputs(folder / "outputs.png", history)
write_loss_sheet(folder / "sheet.png", {"a $run$": history})
write_samples(folder / "points.png", np.linspace(0, 1, 20).reshape(10, 2), (2, 2), "tanh")
write_drawing(folder / "gan.png", {"a": [LayerRow("$x_{", "Dense", (3,), 5)]})
grid = write_grid(folder / "grid.png", np.zeros((4, 8, 8, 1), np.uint8), 2, 2)
write_strip(folder / "strip.png", [grid], ["step $1"], "title $")
"""
MATPLOTLIBRC = """
backend: nonsense
text.usetex: True
font.family: No Such Font
font.size: 30
savefig.dpi: 10
savefig.facecolor: red
savefig.bbox: tight
axes.facecolor: black
lines.linewidth: 9
figure.constrained_layout.use: True
no such key: 1
"""


def written(folder, **environment) -> dict[str, bytes]:
    folder.mkdir()
    (folder / "matplotlibrc").write_text(environment.pop("matplotlibrc", ""))
    known = {key: value for key, value in os.environ.items() if not key.startswith("MPL") and key != "MATPLOTLIBRC"}
    words = [sys.executable, "-c", ALL_PICTURES, folder]
    done = subprocess.run(words, cwd=folder, env=known | environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, bytes]:
    pictures = written(tmp_path_factory.mktemp("plain") / "here")
    assert len(pictures) == 7
    return pictures


@pytest.mark.parametrize(
    "told",
    [
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},  # as in processes started by a notebook
        {"MPLBACKEND": "no such backend"},
        {"MPLBACKEND": "TkAgg", "matplotlibrc": MATPLOTLIBRC},
        {"HOME": "/nowhere", "MPLCONFIGDIR": "/nowhere"},
    ],
    ids=["notebook", "unknown backend", "matplotlibrc", "no home"],
)
def test_pictures_are_the_same_bytes_and_nothing_is_said_where_the_user_has(tmp_path, expected, told):
    assert written(tmp_path / "here", **told) == expected


def test_the_settings_of_the_user_are_back_afterwards_also_after_an_error():
    import matplotlib

    log = logging.getLogger("matplotlib")
    with matplotlib.rc_context({"font.size": 33}):
        before = log.level, warnings.filters[:]
        with pytest.raises(RuntimeError), default_settings():
            assert matplotlib.rcParams["font.size"] == 10
            raise RuntimeError
        assert matplotlib.rcParams["font.size"] == 33 and (log.level, warnings.filters) == before


def test_a_drawing_that_fails_writes_nothing(tmp_path):
    with pytest.raises(RuntimeError), drawing(tmp_path / "a.png", 1, 1, 100):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_drawing_has_its_size(tmp_path):
    with drawing(tmp_path / "a.png", 2, 1, 50) as figure:
        figure.text(0.5, 0.5, "a")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (100, 50)
