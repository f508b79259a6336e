"""Many processes want the same run, or the same file of the cache, at the same time."""

import contextlib
import os
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlab.metrics.inception import build_inception
from ganlab.runs.folder import RunFolder
from ganlab.storage.weights import check_weights
from tests.cli.experiments import CONFIG
from tests.forks import Fork
from tests.metrics.inception_samples import frozen_graph, random_weights
from tests.reliability.runs import outcome, require_same, require_sound, start
from tests.reliability.test_signals import LONG, has_saved, status, wait_for

STARTERS = 20


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    return tmp_path


@contextlib.contextmanager
def ending(*processes):
    """No process of a test outlives it."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.mark.parametrize(("begin", "starters"), [(start, 2), (Fork, STARTERS)])
def test_of_many_starters_one_trains_and_the_others_are_told_by_whom(folder, begin, starters):
    processes = [begin(folder, *LONG, "-q") for _ in range(starters)]
    with ending(*processes):
        give_up = time.monotonic() + 300
        while sum(process.poll() is None for process in processes) > 1:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        (owner,) = (process for process in processes if process.poll() is None)
        wait_for(owner, has_saved(folder))
        refused = [process for process in processes if process is not owner]
        words = f"this run is being trained by process {owner.pid} on {os.uname().nodename}; wait for it or stop it\n"
        assert {(process.returncode, process.communicate()[0]) for process in refused} == {(5, words)}
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(timeout=300) == 75
    require_sound(folder / "results")


def test_a_killed_owners_run_is_taken_over(folder):
    first = Fork(folder, *LONG, "-q")
    with ending(first):
        wait_for(first, has_saved(folder))
    second = Fork(folder, *LONG, "-q")
    with ending(second):
        wait_for(second, lambda: status(folder)["owner"]["pid"] == second.pid)
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=300) == 75
    require_sound(folder / "results")


def stop_between_writes(pid, run):
    """Stops a process where it is about to rename nothing: of that moment docs/reliability.md promises less."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        while not all("\nState:\tT" in (task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir()):
            time.sleep(0.001)
        if not run.half_written():
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)


def test_a_stopped_process_that_lost_its_lock_does_not_touch_the_run_of_the_new_owner(folder):
    stale = Fork(folder, *LONG, "-q")
    with ending(stale):
        wait_for(stale, has_saved(folder))
        stop_between_writes(stale.pid, RunFolder(next(folder.glob("results/*/*"))))
        shutil.rmtree(folder / "results" / ".locks")
        owner = Fork(folder, *LONG, "-q")
        with ending(owner):
            wait_for(owner, lambda: status(folder)["owner"]["pid"] == owner.pid)
            os.kill(stale.pid, signal.SIGCONT)
            printed = stale.communicate(timeout=300)[0]
            words = f"this run was taken over by process {owner.pid} on {os.uname().nodename}; this process leaves it as it is"
            assert (stale.returncode, printed) == (5, f"{words}\n")
            trained = len((next(folder.glob("results/*/*/history.csv"))).read_text())
            wait_for(owner, lambda: len((next(folder.glob("results/*/*/history.csv"))).read_text()) > trained + 1000)
            assert (status(folder)["status"], status(folder)["owner"]["pid"]) == ("running", owner.pid)
            owner.send_signal(signal.SIGTERM)
            assert owner.wait(timeout=300) == 75
    require_sound(folder / "results")


@pytest.mark.slow(longest=True)
def test_two_sweeps_share_the_runs_and_both_end_when_all_are_finished(folder):
    sweeps = [start(folder, "sweep", "tiny.yaml", "--seeds", "0,1", "-q", "-o", "metrics=[]") for _ in range(2)]
    with ending(*sweeps):
        printed = {(sweep.wait(timeout=300), sweep.communicate()[0]) for sweep in sweeps}
    assert [code for code, _ in printed] == [0], printed  # the same folders in the same order, said by both
    require_sound(folder / "results")
    logs = [log.read_text() for log in (folder / "results" / ".sweep").rglob("*.log")]
    assert [len(re.findall(r"step 12/12", log)) for log in logs] == [1, 1]  # no run was trained twice
    for seed in "01":
        alone = Fork(folder, "run", "tiny.yaml", "--seed", seed, "-q", "-o", "metrics=[]", "--results", "alone")
        assert alone.wait(timeout=300) == 0, alone.communicate()
    shutil.rmtree(folder / "results" / ".sweep")
    for results in (folder / "results", folder / "alone"):
        for run in results.glob("digits/*"):
            (run / "metrics.jsonl").touch()
    require_same(outcome(folder / "results"), outcome(folder / "alone"))


def write_pictures(folder):
    (folder / "pictures").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / "pictures" / f"{number}.png")


def write_graph(folder):
    (folder / "inception.pb").write_bytes(frozen_graph(random_weights(build_inception())))


def write_keras_file(folder):
    import keras

    network = keras.applications.InceptionV3(include_top=False, weights=None)
    network.save_weights(folder / "keras.weights.h5")


def write_published(folder):
    (folder / "published.bin").write_bytes(np.random.default_rng(0).bytes(20_000_000))


@pytest.mark.parametrize(
    ("kind", "write", "users"),
    [
        ("pictures", write_pictures, STARTERS),
        ("statistics", None, STARTERS),
        ("classifier", None, STARTERS),
        ("inception", write_graph, 6),  # each reads 90 MB
        ("keras_inception", write_keras_file, 2),  # each builds the network while it holds the lock
        ("download", write_published, STARTERS),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_of_many_first_users_one_does_the_work_and_all_get_the_same(tmp_path, kind, write, users):
    if write:
        write(tmp_path)
    for name in ("ready", "done"):
        (tmp_path / name).mkdir()
    environment = os.environ | {"GANLAB_CACHE": str(tmp_path / "cache"), "GANLAB_INCEPTION": ""}
    if source := next(tmp_path.glob("inception.*"), None):
        environment["GANLAB_INCEPTION"] = str(source)
    words = {"environment": environment, "module": "tests.reliability.first_users"}
    processes = [Fork(tmp_path, kind, str(tmp_path), **words) for _ in range(users)]
    with ending(*processes):
        give_up = time.monotonic() + 300
        while len(list((tmp_path / "ready").iterdir())) < users:
            assert time.monotonic() < give_up and not any(process.poll() for process in processes)
            time.sleep(0.01)
        (tmp_path / "go").touch()
        printed = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * users, printed
    answers = {text.splitlines()[-1] for text in printed}  # frameworks talk on standard error
    assert len(answers) == 1 and len(list((tmp_path / "done").iterdir())) == 1
    for weights in (tmp_path / "cache").rglob("*.weights.h5"):
        check_weights(weights)
    assert not [path for path in (tmp_path / "cache").rglob(".*") if path.suffix != ".lock"]
