import numpy as np
import pytest

from ganlab.pictures.settings import write_parallel, write_sensitivity
from tests.pictures.drawn import overlapping

SETTINGS = {
    "rate": ["0.0001", "0.01", "0.0001", "0.001"],
    "size": ["16", "32", "64", "16"],
    "loss": ["hinge", "", "hinge", "minimax"],
}
SCORES = [1.0, 2.0, 3.0, 4.0]


def ticks(axis):
    return dict(zip(axis.get_ticklocs().round(3), [label.get_text() for label in axis.get_ticklabels()], strict=True))


def test_a_score_is_drawn_over_each_setting_with_a_point_for_each_run(tmp_path, drawn, recwarn):
    write_sensitivity(tmp_path / "a.png", SETTINGS, SCORES, "fd1k_$classifier")
    rate, size, loss = drawn.axes[:3]
    assert [axes.get_title() for axes in (rate, size, loss)] == ["rate", "size", "loss"]
    line, points = rate.lines
    # Numbers over a factor of 20 stand by their logarithms.
    assert [*zip(*np.round(points.get_data(), 9), strict=True)] == [(0.0, 1.0), (1.0, 2.0), (0.0, 3.0), (0.5, 4.0)]
    assert [*zip(*np.round(line.get_data(), 9), strict=True)] == [(0.0, 2.0), (0.5, 4.0), (1.0, 2.0)]
    assert ticks(rate.xaxis) == {0.0: "0.0001", 0.5: "0.001", 1.0: "0.01"}
    assert ticks(size.xaxis) == {0.0: "16", 0.333: "32", 1.0: "64"}
    assert ticks(loss.xaxis) == {0.0: "hinge", 0.5: "none", 1.0: "minimax"}
    assert loss.lines[0].get_ydata().tolist() == [2.0, 2.0, 4.0]
    assert not recwarn.list


def test_parallel_coordinates_lead_each_run_through_its_settings_to_its_score(tmp_path, drawn, recwarn):
    write_parallel(tmp_path / "a.png", SETTINGS, SCORES, "fd1k_$classifier")
    (axes,) = drawn.axes
    assert list(ticks(axes.xaxis).values()) == ["rate", "size", "loss", "fd1k_$classifier"]
    lines = [line.get_ydata().round(3).tolist() for line in axes.lines[: len(SCORES)]]
    assert lines == [[0, 0, 0, 0], [1, 0.333, 0.5, 0.333], [0, 1, 0, 0.667], [0.5, 0, 1, 1]]
    assert len({tuple(line.get_color()) for line in axes.lines[: len(SCORES)]}) == 4
    assert {text.get_text() for text in axes.texts} >= {
        "0.0001",
        "0.001",
        "0.01",
        "16",
        "64",
        "hinge",
        "none",
        "minimax",
    }
    assert not recwarn.list


def test_a_setting_that_is_equal_in_all_runs_stands_in_the_middle(tmp_path, drawn):
    write_parallel(tmp_path / "a.png", {"size": ["16", "16"], "loss": ["x", "x"]}, [1.0, 1.0], "fd1k")
    assert [line.get_ydata().tolist() for line in drawn.axes[0].lines[:2]] == [[0.5, 0.5, 0.5]] * 2


LONG = {
    "generator.optimizer.learning_rate": [f"0.000{digit}" for digit in "12345678"],
    "loss": [
        *("non_saturating", "least_squares", "wasserstein", "relativistic"),
        *("hinge", "minimax", "feature_matching", "a_very_long_word_of_a_setting_that_needs_lines"),
    ],
    "penalty": ["none", "r1", "r2", "dragan", "wgan_gp", "none", "r1", "r2"],
}


@pytest.mark.parametrize("draw", [write_sensitivity, write_parallel])
def test_texts_are_whole_and_apart(tmp_path, drawn, draw):
    draw(
        tmp_path / "a.png", LONG, [float(score) for score in range(8)], "fd5k_classifier [data 1234, weights c0a5ecf4]"
    )
    shown = [axes.title for axes in drawn.axes] + [text for axes in drawn.axes for text in axes.texts]
    turned = [axes for axes in drawn.axes if any(label.get_rotation() for label in axes.get_xticklabels())]
    shown += [label for axes in drawn.axes if axes not in turned for label in axes.get_xticklabels()]
    shown = [text for text in shown if text.get_visible() and text.get_text()]
    assert len(shown) > 10 and overlapping(drawn, shown) == []
