import pytest

from ganlab.config.loading import load_config
from ganlab.sweep.cost import CostModel, Estimate, duration, total
from ganlab.sweep.jobs import Job
from tests.run_folders import write_run
from tests.sweep.examples import write_config


@pytest.fixture
def job(tmp_path):
    def make(flops, steps=1000):
        config = load_config(write_config(tmp_path))
        return Job(config, "c" * 64, "a" * 64, steps, tmp_path / "results" / "digits" / "tiny", flops=flops)

    return make


def finished(results, name, *, flops, training, seconds, steps=1000, **more):
    facts = {"flops_a_step": flops, "training_seconds": training, "seconds": seconds, "steps": steps}
    write_run(results, name, **({"backend": "tensorflow"} | facts | more))


def test_a_run_of_the_same_shape_tells_by_its_steps(tmp_path, job):
    finished(tmp_path / "results", "same", flops=500, training=100.0, seconds=110.0)
    finished(tmp_path / "results", "other", flops=100, training=1.0, seconds=2.0)
    estimate = CostModel(tmp_path / "results").estimate(job(500, steps=3000))
    assert estimate == Estimate(pytest.approx(3 * 100 + 10), "steps")


def test_other_runs_tell_by_their_operations(tmp_path, job):
    finished(tmp_path / "results", "other", flops=100, training=50.0, seconds=54.0)
    estimate = CostModel(tmp_path / "results").estimate(job(200))
    assert estimate == Estimate(pytest.approx(2 * 50 + 4), "FLOPs")


def test_a_run_that_has_begun_needs_only_the_rest(tmp_path, job):
    finished(tmp_path / "results", "same", flops=500, training=100.0, seconds=100.0)
    begun = job(500)
    begun.folder.mkdir(parents=True)
    (begun.folder / "history.csv").write_text("step,seconds\n600,0.1\n")
    assert CostModel(tmp_path / "results").estimate(begun).seconds == pytest.approx(40)


@pytest.mark.parametrize(
    "difference",
    [{"status": "failed"}, {"backend": "jax"}, {"training": 0.0}, {"flops": None}, {"dataset": "x", "backend": "jax"}],
)
def test_runs_that_cannot_tell_are_not_asked(tmp_path, job, difference):
    finished(tmp_path / "results", "other", **({"flops": 500, "training": 100.0, "seconds": 100.0} | difference))
    assert CostModel(tmp_path / "results").estimate(job(500)) is None


def test_nothing_is_known_without_runs_or_operations(tmp_path, job):
    assert CostModel(tmp_path / "results").estimate(job(500)) is None
    finished(tmp_path / "results", "same", flops=500, training=100.0, seconds=100.0)
    assert CostModel(tmp_path / "results").estimate(job(None)) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_a_duration_is_read_at_a_glance(seconds, words):
    assert duration(seconds) == words


def test_the_total_says_what_it_leaves_out():
    assert total([None]) == ""
    assert total([Estimate(30, "steps"), Estimate(40, "FLOPs")]) == "about 1 min 10 s one after another"
    assert total([Estimate(30, "steps"), None]) == "about 30 s one after another, and 1 that nothing tells about"
