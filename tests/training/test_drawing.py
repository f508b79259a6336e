"""Pictures and metrics that fail do not fail their run; a disk that is full does."""

import errno

import pytest

from ganlab.errors import GanlabError, LockedError
from ganlab.training.callbacks import Samples
from ganlab.training.drawing import Pictures, is_fatal, warn
from tests.training.contexts import REAL, chunk, config_of, run_context
from tests.training.tiny import build


def failing(error):
    def write():
        raise error

    return write


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("latex could not be\nfound"),
        MemoryError(),
        GanlabError("images: expected finite values, received nan to nan."),
        FileNotFoundError(errno.ENOENT, "No such file", "/usr/share/fonts/missing.ttf"),
    ],
)
def test_a_picture_that_fails_is_one_line_and_is_remembered(folder, capsys, error):
    folder.set_status("running")
    pictures = Pictures(folder)
    pictures.draw(folder.losses, failing(error))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"{folder.losses}: not drawn: {type(error).__name__}:")
    assert folder.status()["not_drawn"] == Pictures(folder).failed == ["losses.png"]
    assert folder.status()["status"] == "running"


def test_the_other_pictures_are_drawn(folder, capsys):
    pictures = Pictures(folder)
    for path in (folder.losses, folder.outputs, folder.losses):
        pictures.draw(path, failing(ValueError("no")) if path == folder.losses else lambda: folder.outputs.touch())
    assert folder.outputs.exists() and pictures.failed == ["losses.png"]


def test_each_picture_that_failed_is_remembered(folder, capsys):
    pictures = Pictures(folder)
    for path in (folder.losses, folder.outputs):
        pictures.draw(path, failing(ValueError("no")))
    assert pictures.failed == ["losses.png", "outputs.png"]


def test_a_long_error_is_cut_and_the_advice_stays(capsys):
    warn("losses.png: not drawn", ValueError("no " * 300), "install a font")
    line = f"losses.png: not drawn: ValueError: {'no ' * 300}"[:500]
    assert capsys.readouterr().err == f"{line}; install a font\n"


def test_a_picture_that_a_later_process_draws_is_forgotten(folder, capsys):
    folder.set_status("running")
    Pictures(folder).draw(folder.losses, failing(ValueError("no")))
    Pictures(folder).draw(folder.losses, lambda: None)
    assert folder.status()["not_drawn"] == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_file_of_the_run_that_cannot_be_written_stops_it(folder, number):
    for name in (str(folder.sample(5)), None):
        error = OSError(number, "no", name)
        assert is_fatal(error, folder)
        with pytest.raises(OSError, match="no"):
            Pictures(folder).draw(folder.sample(5), failing(error))


def test_so_does_another_owner(folder):
    with pytest.raises(LockedError):
        Pictures(folder).draw(folder.sample(5), failing(LockedError("another process")))


def test_samples_that_cannot_be_drawn_leave_the_writer_at_work(folder, writer, monkeypatch, capsys):
    monkeypatch.setattr("ganlab.training.callbacks.write_samples", lambda *words: failing(RuntimeError("no"))())
    tiny = build(config_of(), images=REAL)
    context = run_context(tiny, folder, writer, config=config_of(output={"samples_every": 5, "grid": [1, 2]}))
    Samples(context).on_chunk(chunk(5))
    writer.flush()
    assert "000005.png: not drawn: " in capsys.readouterr().err and context.pictures.failed == ["samples/000005.png"]
