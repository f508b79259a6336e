import math
import re

import pytest

from ganlab.reports.table import Column, Table, duration, exact, moment, number, printable, span, spread


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        (30_000, "30000"),
        (0.0, "0"),
        (0.5, "0.5000"),
        (7.25, "7.250"),
        (-12.345, "-12.35"),
        (780.46, "780.5"),
        (123456.7, "123457"),
        (0.00123456, "0.001235"),
        (2.5e-7, "2.50e-07"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_a_number_keeps_about_four_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("mean", "deviation", "text"),
    [
        (None, None, ""),
        (12.3456, None, "12.35"),
        (12.3456, 0.4, "12.35 ± 0.40"),
        (8.0, math.nan, "8.000 ± nan"),
    ],
)
def test_a_deviation_has_the_digits_of_its_mean(mean, deviation, text):
    assert spread(mean, deviation) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [([], ""), ([None], ""), ([3, 3], "3"), ([500, 200, 300], "200 to 500"), ([0.5, None], "0.5000")],
)
def test_a_span_is_one_value_or_two_ends(values, text):
    assert span(values) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), ("Adam", "Adam"), (2e-4, "0.0002"), (True, "true"), ([1, 2], "[1, 2]")]
)
def test_a_setting_is_shown_as_it_was_written(value, text):
    assert exact(value) == text


def test_a_moment_is_told_in_local_time():
    assert re.fullmatch(r"2024-0(4-30|5-01|5-02) \d\d:\d0", moment(1714561200.0))
    assert moment(None) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_a_duration_is_read_at_a_glance(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize("bad", ["\x1b[31m", "\n", "\r", "\x07", "\x9b", "\u202e", "\u2028"])
def test_nothing_in_a_table_can_steer_a_terminal_or_break_a_line(bad):
    table = Table([Column(f"a{bad}b")], [[f"c{bad}d"]], title=bad, notes=[bad])
    text = "".join([table.columns[0].name, *table.rows[0], table.title, *table.notes])
    assert text.isprintable() and text == printable(text)


def test_letters_of_any_script_stay():
    assert printable("çankaya 网络 ±") == "çankaya 网络 ±"


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="a row of 2 cells under 1 columns"):
        Table([Column("a")], [["1", "2"]])
