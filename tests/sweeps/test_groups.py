"""Which runs of a sweep train together."""

from dataclasses import replace

import pytest

from ganlab.config.loading import load_config
from ganlab.sweeps.groups import grouped, reason_alone
from ganlab.sweeps.jobs import Job
from tests.sweeps.examples import write_config

LANE, MUCH = 1000, 10**9


@pytest.fixture
def job(tmp_path):
    path = write_config(tmp_path)

    def made(seed=0, cell="c", states=(), **changes):
        config = load_config(path, ["backend=jax", f"latent.dim={ord(cell)}"], seed).model_copy(update=changes)
        folder = tmp_path / "results" / f"{cell}-seed{seed}"
        for step in states:
            (folder / "checkpoints" / f"state-{step:06d}").mkdir(parents=True)
        return Job(config, cell * 64, f"{cell}{seed}", 60, folder, lane=LANE)

    return made


def test_the_seeds_of_a_cell_are_a_group(job):
    a, b = [job(seed, "a") for seed in range(3)], [job(seed, "b") for seed in range(2)]
    assert grouped([a[0], b[0], a[1], b[1], a[2]], MUCH, True) == [tuple(a), tuple(b)]


@pytest.mark.parametrize(
    ("change", "is_scalar"),
    [
        ("generator.optimizer.Adam.learning_rate=0.1", True),
        ("loss={non_saturating: {real_label: [0.7, 1.0], flip_labels: 0.1}}", True),
        ("penalty.r1.weight=3", True),
        ("train.ema=0.5", True),
        ("generator.optimizer.Adam.beta_1=0.5", False),  # the others leave it at its default
        ("generator.optimizer=SGD", False),
        ("train.ema=null", False),
        ("penalty.r1.every=2", False),
        ("train.batch_size=8", False),
        ("train.steps=50", False),
        ("discriminator.layers=[Flatten, {Dense: {units: 1}}]", False),
    ],
)
def test_runs_may_differ_in_scalars(job, tmp_path, change, is_scalar):
    common = ["backend=jax", "penalty={r1: {weight: 1}}", "train.ema=0.9"]
    first, second = (load_config(tmp_path / "tiny.yaml", [*common, *more]) for more in ([], [change]))
    jobs = [replace(job(0), config=first), replace(job(1), config=second, steps=second.train.steps)]
    assert [len(group) for group in grouped(jobs, MUCH, True)] == ([2] if is_scalar else [1, 1])


def test_a_group_fits_into_the_memory_and_groups_are_of_nearly_equal_size(job):
    jobs = [job(seed) for seed in range(7)]
    assert [len(group) for group in grouped(jobs, 5 * LANE, True)] == [2, 2, 3]  # three fit into a share of 0.6
    assert [len(group) for group in grouped(jobs, LANE, True)] == [1] * 7
    assert [job for group in grouped(jobs, 5 * LANE, True) for job in group] == jobs


def test_workers_share_the_runs_and_the_memory(job):
    jobs = [job(seed) for seed in range(8)]
    assert [len(group) for group in grouped(jobs, MUCH, True, workers=3)] == [2, 3, 3]
    assert [len(group) for group in grouped(jobs, 10 * LANE, True, workers=2)] == [2, 2, 2, 2]


def test_runs_that_have_begun_go_on_together_from_a_state_that_all_have(job):
    new, first = job(0), job(1, states=(10, 20))
    second, third = job(2, states=(20, 30)), job(3, states=(30, 40))
    assert grouped([new, first, second, third], MUCH, True) == [(new,), (first, second), (third,)]
    anew = replace(first, fresh=True)
    assert grouped([anew, new], MUCH, True) == [(anew, new)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"backend": "torch"}, "backend torch; expected jax"),
        ({"devices": 2}, "devices 2; expected 1"),
        ({"phases": [{"steps": 3}]}, "it has phases"),
    ],
)
def test_some_runs_train_alone(job, changes, reason):
    jobs = [job(seed, **changes) for seed in range(2)]
    assert reason_alone(jobs[0], True) == reason
    assert [len(group) for group in grouped(jobs, MUCH, True)] == ([2] if reason is None else [1, 1])


def test_convolutions_train_together_on_a_gpu_only(job):
    jobs = [replace(job(seed), convolves=True) for seed in range(2)]
    assert grouped(jobs, MUCH, True) == [tuple(jobs)]
    assert grouped(jobs, MUCH, False) == [(jobs[0],), (jobs[1],)]
    assert reason_alone(jobs[0], False) == "convolutions on a CPU gain nothing"
    assert reason_alone(job(0, device="cpu"), True) is None
