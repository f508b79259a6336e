import pytest

from ganlab.config.loading import load_config
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.plan_tables import plan_document, plan_table, seconds_left
from tests.run_folders import write_run
from tests.sweeps.examples import write_config


@pytest.fixture
def job(tmp_path):
    def make(flops, steps=1000):
        config = load_config(write_config(tmp_path))
        return Job(config, "c" * 64, "a" * 64, steps, tmp_path / "results" / "digits" / "tiny", flops=flops)

    return make


def finished(results, name, *, flops, training, seconds, steps=1000, **more):
    facts = {"flops_a_step": flops, "training_seconds": training, "seconds": seconds, "steps": steps}
    write_run(results, name, **({"backend": "tensorflow"} | facts | more))


def left(job, results):
    return seconds_left([job], results)[job]


def test_a_run_of_the_same_shape_tells_by_its_steps(tmp_path, job):
    finished(tmp_path / "results", "same", flops=500, training=100.0, seconds=110.0)
    finished(tmp_path / "results", "other", flops=100, training=1.0, seconds=2.0)
    assert left(job(500, steps=3000), tmp_path / "results") == pytest.approx(3 * 100 + 10)


def test_a_run_that_has_begun_needs_only_the_rest(tmp_path, job):
    finished(tmp_path / "results", "same", flops=500, training=100.0, seconds=100.0)
    begun = job(500)
    begun.folder.mkdir(parents=True)
    (begun.folder / "history.csv").write_text("step,seconds\n600,0.1\n")
    assert left(begun, tmp_path / "results") == pytest.approx(40)


@pytest.mark.parametrize(
    "difference",
    [{"status": "failed"}, {"backend": "jax"}, {"training": 0.0}, {"flops": None}, {"flops": 501}, {"dataset": "x"}],
)
def test_runs_of_another_shape_tell_nothing(tmp_path, job, difference):
    finished(tmp_path / "results", "other", **({"flops": 500, "training": 100.0, "seconds": 100.0} | difference))
    assert left(job(500), tmp_path / "results") is None


def test_without_runs_nothing_is_known(tmp_path, job):
    assert left(job(500), tmp_path / "results") is None


def test_a_failed_run_that_waits_for_rerun_has_no_time(tmp_path, job):
    finished(tmp_path / "results", "same", flops=500, training=100.0, seconds=100.0)
    failed, new = job(500, steps=3000), job(500)
    states = {failed: "failed", new: "new"}
    assert plan_table(states, [new], tmp_path / "results", []).notes[1] == "about 1 min 40 s one after another"
    found = plan_document(states, [new], tmp_path / "results", [])["runs"]
    assert [row["seconds_left"] for row in found] == [None, pytest.approx(100)]
