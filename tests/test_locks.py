import os
import signal
import socket
import subprocess
import sys

import pytest

from ganlab.errors import ConfigError, LockedError
from ganlab.locks import locked, owner_record

IDENTITY = "0123456789abcdef" * 4
HOLD = """
import sys, time
from pathlib import Path
from ganlab.locks import locked
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
