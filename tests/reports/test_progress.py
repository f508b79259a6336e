import json

import pytest

from ganlab.reports.progress import Progress, last_rows, progress_of
from ganlab.runs.records import read_run
from tests.run_folders import write_run

HEAD = "step,d_loss,g_loss,d_real,penalty,seconds\n"


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path, status="running", with_summary=False)


def progress(run, history: str | None) -> Progress:
    if history is not None:
        (run / "history.csv").write_text(history)
    return progress_of(read_run(run))


def rows(first: int, last: int, seconds: float = 0.5) -> str:
    return "".join(f"{step},0.{step % 10}5,-1e-3,1,,{seconds}\n" for step in range(first, last + 1))


def test_a_run_tells_its_step_rate_losses_and_time_left(run):
    found = progress(run, HEAD + rows(1, 10))
    assert found == Progress(10, 1500, 2.0, {"d_loss": 0.05, "g_loss": -0.001}, 745.0)
    assert str(found) == "step 10 of 1500, 2.000 steps/s, d_loss 0.05000, g_loss -0.001000, 12 min 25 s left"


def test_the_rate_is_that_of_the_last_steps(run):
    assert progress(run, HEAD + rows(1, 500, seconds=9.0) + rows(501, 550, seconds=0.1)).steps_per_second == (
        pytest.approx(10.0)
    )


def test_the_first_step_which_compiles_enters_no_rate(run):
    assert str(progress(run, HEAD + rows(1, 1, seconds=9.0))) == "step 1 of 1500, d_loss 0.1500, g_loss -0.001000"
    assert progress(run, HEAD + rows(1, 1, seconds=9.0) + rows(2, 3)).steps_per_second == 2.0


def test_a_long_history_is_read_from_its_end(run):
    assert progress(run, HEAD + rows(1, 200_000)).step == 200_000
    assert len(last_rows(run)[1]) < 2000


@pytest.mark.parametrize("history", [None, "", HEAD, HEAD + "1,0.5", "step\n"])
def test_before_the_first_step_little_is_known(run, history):
    found = progress(run, history)
    assert (found.step, found.steps_per_second, found.losses, found.seconds_left) == (0, None, {}, None)
    assert str(found) == "step 0 of 1500"


@pytest.mark.parametrize("torn", ["11,0.5,0.", "11,0.5\n", "11,a,b,c,d,e\n", "\xff\n"])
def test_a_row_that_is_torn_or_damaged_is_passed_over(run, torn):
    if torn.endswith("\n"):
        assert progress(run, HEAD + rows(1, 10) + torn).step in (0, 10)
    else:
        assert progress(run, HEAD + rows(1, 10) + torn).step == 10


@pytest.mark.parametrize(
    "row", ["inf,1,1,1,,0.5", "1e300,1,1,1,,0.5", "nan,1,1,1,,0.5", "-3,1,1,1,,0.5", "1,1,1,1,,inf"]
)
def test_numbers_that_no_run_writes_give_no_error(run, row):
    found = progress(run, f"{HEAD}{row}\n")
    assert found.step in (0, 1) and found.seconds_left is None and str(found).startswith("step ")


@pytest.mark.parametrize(("seconds", "steps"), [("1e-300", 1500), ("1e11", 1500), ("0.5", 2**63 - 1), ("0.5", 1)])
def test_a_time_left_that_means_nothing_is_none_or_short(run, seconds, steps):
    status = json.loads((run / "status.json").read_text()) | {"steps": steps}
    (run / "status.json").write_text(json.dumps(status))
    found = progress(run, f"{HEAD}1,1,1,1,,{seconds}\n2,1,1,1,,{seconds}\n")
    assert found.seconds_left is None or found.seconds_left < 1e-9
    assert str(found).startswith("step 2 of ")


def test_a_run_of_a_vae_tells_its_loss(run):
    assert progress(run, "step,loss,kl,seconds\n1,2.5,1.0,0.5\n").losses == {"loss": 2.5}


def test_steps_that_took_no_time_give_no_rate(run):
    assert progress(run, HEAD + rows(1, 3, seconds=0.0)).seconds_left is None


def test_a_finished_run_has_no_progress(tmp_path):
    assert progress_of(read_run(write_run(tmp_path))) is None
