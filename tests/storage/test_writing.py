import contextlib
import errno
import io
import math
import resource
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ganlab.errors import GanlabError, LockedError
from ganlab.runs.folder import remove
from ganlab.storage.writing import (
    append_bytes,
    append_text,
    guarding,
    naming,
    read_json,
    replacing,
    write_json,
    write_text,
)


def test_a_file_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists() and temporary.parent == path.parent
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_an_error_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_the_temporary_file_keeps_the_suffixes_by_which_writers_decide(tmp_path):
    with replacing(tmp_path / "a.weights.h5") as temporary:
        assert temporary.name.endswith(".weights.h5")
        temporary.touch()
    with replacing(tmp_path / "b.npz") as temporary:
        np.savez(temporary, x=1)  # would append .npz to another name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.weights.h5", "b.npz"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with replacing(tmp_path / "a") as first, replacing(tmp_path / "a") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "a").read_text() == "1"  # the block that ended last


def test_a_failed_write_says_which_file_it_is_about(tmp_path):
    with pytest.raises(OSError) as caught, naming(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "a paragraph")
    assert (caught.value.filename, caught.value.strerror) == (str(tmp_path / "a"), "No space left on device")


def test_json_comes_back(tmp_path):
    value = {"name": "exp01", "é": [1, 0.1, None, True]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert "é" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_numbers_that_json_does_not_have_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": math.nan})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damaged", ['{"a": 1', "", "{'a': 1}", '{"a": NaN}', '{"a": [-Infinity]}', '{"a": 1e999}'])
def test_damaged_json_is_one_line_that_names_the_file(tmp_path, damaged):
    path = tmp_path / "a.json"
    write_text(path, damaged)
    with pytest.raises(GanlabError) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: damaged JSON: ") and "\n" not in str(caught.value)


CHANGES = {
    "replacing": lambda path: write_text(path, "new"),
    "appending": lambda path: append_text(path, "new\n"),
    "removing": remove,
}


class TestAGuardedFolder:
    """Of a run that went to another process: nothing is put into place any more, by any thread."""

    @staticmethod
    def refuse():
        raise LockedError("taken over")

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_stays_as_it_is(self, tmp_path, change):
        path = tmp_path / "run" / "a"
        write_text(path, "before\n")
        with guarding(tmp_path / "run", self.refuse), ThreadPoolExecutor() as pool:
            for attempt in (lambda: change(path), lambda: pool.submit(change, path).result()):
                with pytest.raises(LockedError):
                    attempt()
        assert path.read_text() == "before\n" and list(path.parent.iterdir()) == [path]

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_may_be_changed_while_the_guard_agrees_and_afterwards(self, tmp_path, change):
        path = tmp_path / "a"
        for context in (guarding(tmp_path, lambda: None), contextlib.nullcontext()):
            write_text(path, "before\n")
            with context:
                change(path)
            assert not path.exists() or path.read_text() != "before\n"

    def test_does_not_guard_what_lies_beside_it(self, tmp_path):
        with guarding(tmp_path / "run", self.refuse):
            write_text(tmp_path / "running", "new")


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "3\n"), ("1\n2\n", "1\n2\n3\n"), ("1\n2", "1\n3\n"), ("torn", "3\n"), ("1\n" + "x" * 70_000, "1\n3\n")],
)
def test_appending_cuts_a_torn_last_line_off(tmp_path, before, after):
    (tmp_path / "a").write_text(before)
    append_text(tmp_path / "a", "3\n")
    assert (tmp_path / "a").read_text() == after


class FullDisk(io.FileIO):
    """A file on a disk that has room for some bytes more, and then for none."""

    room, error = 4, None

    def write(self, content) -> int:
        if not self.room:
            raise self.error or OSError(errno.ENOSPC, "No space left on device")
        written = super().write(bytes(content[: self.room]))
        self.room -= written
        return written


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, ""), OSError(errno.EIO, ""), KeyboardInterrupt()])
@pytest.mark.parametrize("before", ["", "1\n2\n"])
def test_what_was_appended_in_part_is_cut_off_again(tmp_path, before, error):
    (tmp_path / "a").write_text(before)
    with FullDisk(tmp_path / "a", "ab") as file, pytest.raises(type(error)):
        file.error = error
        append_bytes(file, b"3 and more\n")
    assert (tmp_path / "a").read_text() == before


@contextlib.contextmanager
def files_of_at_most(size: int):
    """Lets the system refuse what goes beyond a size, after it has taken what goes before: so does a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("before", "after"), [("1\n", "1\n"), ("1\n2", "1\n"), ("", "")])
def test_lines_that_do_not_fit_leave_the_whole_ones_alone(tmp_path, before, after):
    path = tmp_path / "metrics.jsonl"
    path.write_text(before)
    with files_of_at_most(len(after) + 4), pytest.raises(OSError, match="File too large") as caught:
        append_text(path, "a line that is too long\n")
    assert caught.value.filename == str(path) and path.read_text() == after
