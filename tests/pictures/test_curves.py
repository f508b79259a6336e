from types import SimpleNamespace

import pytest

from ganlab.pictures.curves import write_curves

CURVES = {
    "Adam": {0.001: SimpleNamespace(mean=2.0, sd=0.5), 0.1: SimpleNamespace(mean=3.0, sd=None)},
    "a_$GD": {0.01: SimpleNamespace(mean=1.0, sd=None)},
}


@pytest.mark.parametrize(("logarithmic", "scale"), [(False, "linear"), (True, "log")])
def test_each_name_has_a_curve_with_a_band_of_one_deviation(tmp_path, drawn, logarithmic, scale):
    path = write_curves(tmp_path / "a.png", CURVES, "rate", "fd1k_$", "title", logarithmic)
    (axes,) = drawn.axes
    assert path.is_file() and axes.get_xscale() == scale
    assert [line.get_xydata().tolist() for line in axes.lines] == [[[0.001, 2.0], [0.1, 3.0]], [[0.01, 1.0]]]
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (1.5, 3.0)
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == [*CURVES]
