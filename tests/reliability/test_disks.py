"""Disks that are full, or cannot be written: real ones of a few hundred kilobytes, in memory."""

import subprocess

import pytest

from ganlab.runs.folder import RunFolder
from ganlab.runs.locks import make_folder
from tests.forks import Fork
from tests.reliability.runs import CONFIG, outcome, require_same, require_sound
from tests.run_folders import write_run

WORDS = ["run", "tiny.yaml", "-q", "-o", "metrics=[]", "-o", "train.steps=12"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def disk(folder):
    """A file system of its own at results/: a function that (re)mounts it with options."""
    results = folder / "results"
    results.mkdir()

    def mount(options: str) -> None:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", results], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")

    mount("size=100k")
    yield mount
    subprocess.run(["umount", results], check=True)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def printed_by(process):
    return process.communicate(timeout=300)[0]


def finish(folder, *words):
    process = Fork(folder, *words)
    printed = printed_by(process)
    assert process.returncode == 0, printed


def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(folder, disk):
    finish(folder, *WORDS, "--results", "roomy")
    sizes = [path.stat().st_size for path in (folder / "roomy").rglob("*")]
    for share in (0.35, 0.7):  # in the midst of the first checkpoints, and of the last
        disk(f"remount,size={round(sum(sizes) * share / 1024)}k")
        process = Fork(folder, *WORDS)
        printed = printed_by(process)
        assert process.returncode == 1 and printed.startswith("results/digits/tiny-seed0-"), printed
        assert printed.endswith(": No space left on device\n") and printed.count("\n") == 1
        require_sound(folder / "results")
    disk("remount,size=64m")
    finish(folder, *WORDS)
    require_sound(folder / "results")
    for results in (folder / "roomy", folder / "results"):
        next(results.glob("*/*/summary.json")).with_name("metrics.jsonl").touch()
    require_same(outcome(folder / "results"), outcome(folder / "roomy"))


def test_a_disk_that_cannot_be_written_is_one_line(folder, disk):
    write_run(folder / "results", with_summary=False)
    disk("remount,ro")
    before = contents(folder)
    process = Fork(folder, *WORDS)
    printed = printed_by(process)
    assert process.returncode == 1, printed
    assert printed.endswith(": Read-only file system\n") and printed.startswith("results/") and printed.count("\n") == 1
    assert contents(folder) == before


def test_a_run_on_a_disk_that_cannot_be_written_can_be_looked_at(folder, disk):
    disk("remount,size=64m")
    finish(folder, *WORDS)
    (run,) = folder.glob("results/*/*/")
    make_folder(folder / "results")
    for kind in ("lock", "owner"):  # as if its process had been killed
        (folder / "results" / ".locks" / f"{RunFolder(run).status()['identity'][:16]}.{kind}").touch()
    disk("remount,ro")
    for words in (["verify", "results"], ["ls"], ["show", run.name], ["sample", run.name, "--out", "grid.png"]):
        finish(folder, *words)
