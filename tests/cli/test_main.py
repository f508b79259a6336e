import errno
import importlib
import io
import os
import subprocess
import sys

import click
import pytest

from ganlab import __version__
from ganlab.cli import main as command_line
from ganlab.errors import CheckpointError, ConfigError, DivergedError, LockedError, StoppedError


@pytest.fixture
def ganlab(capsys, monkeypatch):
    """Runs a command line in this process: (exit code, stdout, stderr)."""
    monkeypatch.delenv("GANLAB_DEBUG", raising=False)

    def call(*words):
        with pytest.raises(SystemExit) as caught:
            command_line.main(list(words))
        return caught.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def ls_raises(monkeypatch):
    """Makes `ganlab ls` end with an error."""

    def install(error):
        @click.command()
        def command():
            raise error

        monkeypatch.setattr(importlib.import_module("ganlab.cli.ls"), "command", command)

    return install


def test_help_lists_every_command_with_its_line(ganlab):
    code, out, _ = ganlab("--help")
    assert code == 0
    for name, line in command_line.COMMANDS.items():
        assert f"  {name:<{max(map(len, command_line.COMMANDS))}}  {line}" in out


def test_every_command_has_its_file_and_its_help(ganlab):
    for name in command_line.COMMANDS:
        code, out, _ = ganlab(name, "--help")
        assert code == 0 and out.startswith(f"Usage: ganlab {name} ")


def test_version(ganlab):
    assert ganlab("--version") == (0, f"ganlab {__version__}\n", "")


@pytest.mark.parametrize(("word", "hint"), [("rnu", "Did you mean 'run'?"), ("reprot", "Did you mean 'report'?")])
def test_an_unknown_command_is_a_usage_error_with_the_nearest_one(ganlab, word, hint):
    code, out, err = ganlab(word)
    assert (code, out) == (2, "") and err.endswith(f"Error: No such command '{word}'. {hint}\n")


@pytest.mark.parametrize("words", [["--colour"], ["ls", "--jsn"], ["show"], ["report", "--format", "pdf"]])
def test_wrong_usage_exits_with_2(ganlab, words):
    code, out, err = ganlab(*words)
    assert (code, out) == (2, "") and "Error:" in err


LOCATED = "configs/exp18.yaml:14:9: generator.layers[3].Conv2D.filtres: unknown key. Did you mean 'filters'?"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError(LOCATED), 2, LOCATED),
        (DivergedError("step 3: d_loss is nan"), 4, "step 3: d_loss is nan"),
        (LockedError("owned by 17"), 5, "owned by 17"),
        (CheckpointError("no checkpoint"), 6, "no checkpoint"),
        (StoppedError("stopped after step 3"), 75, "stopped after step 3"),
        (ConfigError("two\nlines \x1b[31mred"), 2, "two lines  [31mred"),
        (OSError(errno.ENOSPC, "No space left on device", "a.json"), 1, "a.json: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 1, "x: Permission denied"),
        (OSError("no number"), 1, "no number"),
        (TypeError("bad"), 1, "internal error: TypeError: bad (GANLAB_DEBUG=1 shows where)"),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(ganlab, ls_raises, error, code, line):
    ls_raises(error)
    assert ganlab("ls") == (code, "", line + "\n")


def test_the_traceback_is_shown_on_request(ganlab, ls_raises, monkeypatch):
    ls_raises(ConfigError("wrong"))
    monkeypatch.setenv("GANLAB_DEBUG", "1")
    code, _, err = ganlab("ls")
    assert code == 2 and err.startswith("Traceback") and err.endswith("\nwrong\n")


def test_an_interrupt_exits_with_130(ganlab, ls_raises):
    ls_raises(KeyboardInterrupt())
    code, out, err = ganlab("ls")
    assert (code, out, err.strip()) == (130, "", "")


def test_what_a_command_returns_is_no_exit_code(ganlab, monkeypatch):
    @click.command()
    def command():
        return 3

    monkeypatch.setattr(importlib.import_module("ganlab.cli.ls"), "command", command)
    assert ganlab("ls")[0] == 0


def run_python(code: str, *words: str) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if key != "GANLAB_DEBUG"}
    arguments = [sys.executable, "-c", code, *words]
    return subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)


def loaded_by(*words: str) -> set[str]:
    """The top-level modules a command line loads."""
    code = (
        "import sys\n"
        "from ganlab.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print('LOADED', *{name.split('.')[0] for name in sys.modules})\n"
    )
    done = run_python(code, *words)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


FRAMEWORKS = {"keras", "tensorflow", "jax", "torch", "pandas", "matplotlib"}


def test_help_loads_nothing_that_takes_long():
    loaded = loaded_by("--help")
    assert "click" in loaded
    assert not loaded & (FRAMEWORKS | {"numpy", "pydantic", "rich", "yaml"})


@pytest.mark.parametrize("words", [["ls"], ["show", "a"], ["diff", "a", "b"], ["report"]], ids=lambda words: words[0])
def test_listing_commands_load_no_framework(tmp_path, words):
    from tests.run_folders import write_run

    for name in ("a", "b"):
        write_run(tmp_path, name)
    assert not loaded_by(*words, "--results", str(tmp_path)) & (FRAMEWORKS | {"numpy"})


def test_schema_loads_no_framework():
    assert not loaded_by("schema") & FRAMEWORKS


def test_a_reader_that_leaves_early_causes_no_complaint(tmp_path):
    from tests.run_folders import write_run

    for seed in range(400):
        write_run(tmp_path, seed=seed)
    command = [sys.executable, "-m", "ganlab", "ls", "--json", "--results", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


class TestStreams:
    @pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
    def test_that_are_closed_are_no_fault(self, closed, tmp_path):
        words = f"{sys.executable} -m ganlab check {tmp_path}/none.yaml {closed}"
        done = subprocess.run(words, shell=True, capture_output=True, text=True, cwd=tmp_path)
        said = "" if "2>" in closed else f"{tmp_path}/none.yaml: no such file\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)

    @pytest.mark.parametrize(
        ("encoding", "text"), [("ascii", "0.5 +/- 0.1 ? x"), ("latin-1", "0.5 \u00b1 0.1 ? \u00d7")]
    )
    def test_without_unicode_show_plain_characters(self, encoding, text, monkeypatch):
        written = io.BytesIO()
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, io.TextIOWrapper(written, encoding=encoding))
        command_line._mend_streams()
        print("0.5 \u00b1 0.1 \u4e09 \u00d7", flush=True)
        assert written.getvalue().decode(encoding) == f"{text}\n"


@pytest.mark.parametrize("error", [MemoryError(), ImportError("libx.so: failed to map segment from shared object")])
def test_too_little_memory_is_one_line(ganlab, ls_raises, monkeypatch, error):
    ls_raises(error)
    monkeypatch.setattr("builtins.__import__", refuse)
    code, out, err = ganlab("ls")
    monkeypatch.undo()
    assert (code, out) == (1, "") and err == "not enough memory; a smaller batch_size or data.limit needs less\n"


def refuse(name, *more):
    """In place of an import: as when memory is short."""
    if name.startswith("ganlab"):
        raise MemoryError
    return importlib.__import__(name, *more)
