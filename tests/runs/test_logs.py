import numpy as np

from ganlab.runs.logs import read_history


def test_columns_come_back_as_numbers_and_blanks_as_nan(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("step,d_loss,penalty,seconds\n1,0.5,2.25,0.001\n2,-1e-07,,0.001\n3,nan,,0.001\n")
    history = read_history(path)
    assert list(history) == ["step", "d_loss", "penalty", "seconds"]
    assert all(column.dtype == np.float64 for column in history.values())
    np.testing.assert_array_equal(history["step"], [1, 2, 3])
    np.testing.assert_array_equal(history["d_loss"], [0.5, -1e-07, np.nan])
    np.testing.assert_array_equal(history["penalty"], [2.25, np.nan, np.nan])


def test_a_history_without_steps_has_columns_without_values(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("step,d_loss,seconds\n")
    assert {name: len(column) for name, column in read_history(path).items()} == {"step": 0, "d_loss": 0, "seconds": 0}
