"""Short turns of the long runs; docs/reliability.md has the figures of 50,000 steps and 200 runs."""

import sys

import pytest

from tests.soak.long_run import Sighting, growth, watch
from tests.soak.long_sweep import problems, sweep

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory and open files are read from /proc")


@LINUX
@pytest.mark.slow
def test_memory_and_open_files_of_a_run_stay_what_they_are(tmp_path):
    sightings = watch(tmp_path, steps=2000, every=50, rows=20)
    megabytes, files = growth(sightings)
    assert len(sightings) > 6
    # 40 pictures, 40 looks and 40 checkpoints: one kept figure or array each would be more.
    assert megabytes < 10 and files <= 1, sightings


@LINUX
@pytest.mark.slow(longest=True)
def test_every_run_of_a_sweep_leaves_a_right_folder(tmp_path):
    results, sightings = sweep(tmp_path, runs=4, jobs=2)
    assert problems(results, 4) == []
    assert problems(results, 5) == ["4 folders instead of 5"]
    damaged = next(results.glob("*/*/checkpoints/state-000012/variables.npz"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert len(problems(results, 4)) == 1 and sightings[-1].files <= sightings[0].files + 2


def test_growth_is_seen_in_spite_of_a_start_and_of_single_peaks():
    flat = [Sighting(step, 100 + 50 * (step < 3) + 30 * (step == 7), 5, 8) for step in range(12)]
    rising = [Sighting(step, 100 + step, 5 + step // 4, 8) for step in range(12)]
    assert growth(flat) == (0, 0)
    assert growth(rising) == (4, 1)
