"""The cache folder, and content that is made once whatever happens meanwhile."""

import errno
import fcntl
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from ganlab.errors import GanlabError
from ganlab.storage.cache import cache_folder, compute_once


def test_the_environment_names_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("GANLAB_CACHE")
    assert cache_folder().name == "ganlab"


def test_content_is_computed_once(tmp_path):
    calls = []

    def compute(path):
        calls.append(path)
        path.write_text("content")

    target = tmp_path / "deep" / "file.weights.h5"
    assert compute_once(target, compute) == target
    assert compute_once(target, compute).read_text() == "content"
    assert len(calls) == 1
    assert calls[0] != target
    assert calls[0].parent == target.parent
    assert calls[0].name.endswith("file.weights.h5")


def test_a_failed_computation_leaves_nothing_behind(tmp_path):
    def compute(path):
        path.write_text("half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        compute_once(tmp_path / "file", compute)
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_content_that_is_not_valid_is_computed_again(tmp_path):
    target = tmp_path / "file"
    target.write_text("damaged")
    compute_once(target, lambda path: path.write_text("good"), is_valid=lambda path: path.read_text() == "good")
    assert target.read_text() == "good"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GanlabError, match=r"cannot be made: .* GANLAB_CACHE names another"):
        compute_once(tmp_path / "file" / "content", lambda path: path.write_text("x"))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_one_line_with_the_file_and_advice(tmp_path, monkeypatch, number):
    def refuse(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(GanlabError) as caught:
        compute_once(tmp_path / "file", lambda path: path.write_text("x"))
    assert str(caught.value) == (
        f"{tmp_path / 'file.lock'}: its file system refuses to lock it ({os.strerror(number)}). "
        "GANLAB_CACHE names another cache folder."
    )


def _record_and_write(path: Path) -> None:
    marks = path.parent / "marks"
    marks.mkdir(exist_ok=True)
    (marks / path.name).touch()  # each computation has a temporary name of its own
    with open(path, "w") as file:
        for _ in range(100):
            file.write("x" * 1000)
            file.flush()
            time.sleep(0.001)


def _compute_and_measure(target: Path) -> int:
    return len(compute_once(target, _record_and_write).read_text())


def test_processes_that_race_compute_once_and_never_read_a_half_file(tmp_path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        sizes = pool.map(_compute_and_measure, [tmp_path / "file"] * 4)
    assert sizes == [100_000] * 4
    assert len(list((tmp_path / "marks").iterdir())) == 1


def test_a_process_that_is_killed_while_it_computes_leaves_the_lock_free_and_its_half_file_goes(tmp_path):
    target = tmp_path / "file [1]"
    process = multiprocessing.get_context("spawn").Process(target=_compute_and_measure, args=(target,))
    process.start()
    give_up = time.monotonic() + 60
    while not list(tmp_path.glob(".*-file*")):
        assert time.monotonic() < give_up
        time.sleep(0.001)
    process.kill()
    process.join()
    assert len(list(tmp_path.glob(".*-file*"))) == 1
    compute_once(target, lambda path: path.write_text("whole"))
    assert target.read_text() == "whole" and not list(tmp_path.glob(".*-file*"))
