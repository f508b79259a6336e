import errno
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from ganlab.errors import ConfigError, GanlabError, LockedError
from ganlab.runs.locks import holder_of, locked, owner_record
from tests.hostile.watch import watching

IDENTITY = "0123456789abcdef" * 4
HOLD = """
import sys, time
from pathlib import Path
from ganlab.runs.locks import locked
with locked(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def owner(tmp_path):
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "results"), IDENTITY]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_told_who_holds_the_lock(tmp_path, owner):
    with pytest.raises(LockedError) as caught, locked(tmp_path / "results", IDENTITY):
        pass
    assert str(caught.value) == (
        f"this run is being trained by process {owner.pid} on {socket.gethostname()}; wait for it or stop it"
    )


def test_the_refused_process_leaves_the_owner_its_files(tmp_path, owner):
    locks = tmp_path / "results" / ".locks"
    before = sorted(path.name for path in locks.iterdir())
    for _ in range(2):
        with pytest.raises(LockedError), locked(tmp_path / "results", IDENTITY):
            pass
    assert sorted(path.name for path in locks.iterdir()) == before != []


def test_a_file_system_that_refuses_to_lock_is_one_line_with_the_file_and_advice(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(GanlabError) as caught, locked(tmp_path / "results", IDENTITY):
        pass
    file = tmp_path / "results" / ".locks" / f"{IDENTITY[:16]}.lock"
    assert str(caught.value) == (
        f"{file}: its file system refuses to lock it (No locks available). --results names another folder."
    )


def test_another_identity_is_free(tmp_path, owner):
    with locked(tmp_path / "results", "f" * 64):
        pass


def test_the_lock_of_a_killed_owner_is_free(tmp_path, owner):
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    with locked(tmp_path / "results", IDENTITY):
        pass


def test_a_lock_is_free_again_after_its_block(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "results", IDENTITY):
            pass


def test_it_also_keeps_out_the_process_that_holds_it(tmp_path):
    message = f"process {os.getpid()} on "
    with locked(tmp_path, IDENTITY), pytest.raises(LockedError, match=message), locked(tmp_path, IDENTITY):
        pass


def test_an_owner_that_cannot_be_read_is_another_process(tmp_path, owner):
    for path in (tmp_path / "results" / ".locks").glob("*.owner"):
        path.write_text("half a rec")
    with pytest.raises(LockedError, match="trained by another process;"), locked(tmp_path / "results", IDENTITY):
        pass


def test_a_config_error_found_under_the_lock_leaves_no_file_or_folder(tmp_path):
    with pytest.raises(ConfigError), locked(tmp_path / "results", IDENTITY):
        raise ConfigError("units: expected an integer")
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_before_stays(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (results / "kept").touch()
    with locked(results, IDENTITY):
        (results / "made").touch()
    assert sorted(path.name for path in results.iterdir()) == ["kept", "made"]


def test_the_record_of_an_owner_is_this_process():
    record = owner_record()
    assert (record["host"], record["pid"]) == (socket.gethostname(), os.getpid())
    assert record["since"] > 1.7e9


LOST = {
    "the folder of locks was removed": lambda locks: shutil.rmtree(locks),
    "the lock was removed": lambda locks: [path.unlink() for path in locks.glob("*.lock")],
    "the lock was made anew": lambda locks: [(path.unlink(), path.touch()) for path in locks.glob("*.lock")],
    "another host wrote its name": lambda locks: [
        path.write_text('{"host": "elsewhere", "pid": 7, "token": "0"}') for path in locks.glob("*.owner")
    ],
}


class TestALockThatWentToAnother:
    """Its owner was stopped, or its file system has no locks between hosts."""

    @pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
    def test_is_noticed_when_asked_and_its_files_are_left_to_the_other(self, tmp_path, lose):
        with locked(tmp_path, IDENTITY) as require_own:
            require_own()
            lose(tmp_path / ".locks")
            before = sorted(tmp_path.rglob("*"))
            with pytest.raises(LockedError, match=r"taken over by (another process|process \d+ on .*); this process"):
                require_own()
        assert sorted(tmp_path.rglob("*")) == before

    def test_names_the_other(self, tmp_path):
        with locked(tmp_path, IDENTITY) as require_own:
            LOST["another host wrote its name"](tmp_path / ".locks")
            with pytest.raises(LockedError, match=r"^this run was taken over by process 7 on elsewhere;"):
                require_own()


@pytest.mark.parametrize(
    "identity", ["../../outside/a", "/etc/passwd", "", ".", "a" * 15 + "/../../../outside/a", 7, None]
)
def test_of_an_identity_that_is_a_path_nothing_is_opened(tmp_path, identity):
    """It comes from the status of a run folder, which may be someone else's."""
    (tmp_path / "results" / ".locks").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    for name in ("a.lock", "a.owner"):
        (tmp_path / "outside" / name).write_text("{}")
    with watching(tmp_path / "outside") as touched:
        assert holder_of(tmp_path / "results", identity) is None
        with pytest.raises(GanlabError, match=r"is no identity$"), locked(tmp_path / "results", identity):
            pass
        assert touched() == set()


PLACES = [".locks", f".locks/{IDENTITY[:16]}.lock", f".locks/{IDENTITY[:16]}.owner"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("target", ["outside", "outside/thesis", "outside/new", "nowhere/new"])
def test_a_link_in_the_place_of_a_lock_is_refused_and_its_target_stays(tmp_path, place, target):
    results = tmp_path / "results"
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "thesis").write_text("a year of work")
    for file in PLACES[1:]:
        if place != ".locks":
            (results / file).parent.mkdir(exist_ok=True, parents=True)
            (results / file).touch()
    (results / place).unlink(missing_ok=True)
    results.mkdir(exist_ok=True)
    (results / place).symlink_to(tmp_path / target)
    with watching(tmp_path / "outside") as touched:
        assert holder_of(results, IDENTITY) is None
        line = f"^{results / place}: refused: a link, in a folder of results$"
        with pytest.raises(GanlabError, match=line), locked(results, IDENTITY):
            pass
        assert touched() == set()
    assert (results / place).is_symlink()
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["thesis"]


@pytest.mark.parametrize("place", PLACES[1:])
def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path, place):
    (tmp_path / ".locks").mkdir()
    os.mkfifo(tmp_path / place)
    with pytest.raises(GanlabError, match="refused: no regular file"), locked(tmp_path, IDENTITY):
        pass


def test_the_folder_of_results_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    with locked(tmp_path / "results", IDENTITY), pytest.raises(LockedError), locked(tmp_path / "disk", IDENTITY):
        pass


def test_who_only_asks_who_holds_a_lock_keeps_nobody_out(tmp_path):
    """Sweeps ask again and again; what they ask by is the lock itself."""
    with locked(tmp_path, IDENTITY):
        left = {path: path.read_bytes() for path in (tmp_path / ".locks").iterdir()}
    (tmp_path / ".locks").mkdir(exist_ok=True)
    for path, content in left.items():  # as a killed owner leaves them
        path.write_bytes(content)
    stop = threading.Event()

    def ask():
        while not stop.is_set():
            holder_of(tmp_path, IDENTITY)
            for path, content in left.items():
                path.exists() or path.write_bytes(content)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(20):
            with locked(tmp_path, IDENTITY):
                pass
    finally:
        stop.set()
        asking.join()
