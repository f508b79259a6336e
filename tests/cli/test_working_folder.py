"""Files of the user that are called like modules, in the folder where a command is started: none of them is executed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ganlab import working_folder
from tests.cli.experiments import CONFIG
from tests.data.photos import jpeg

PLANT = "import pathlib\npathlib.Path({marker!r}).open('a').write(__name__ + '\\n')\nraise ImportError(__name__)\n"
# Python's own, what ganlab needs, backends (folders, and one that is not installed), what Python and a framework look for by name.
PLANTED = (
    "random.py",
    "tempfile.py",
    "pickle.py",
    "socket.py",
    "yaml.py",
    "click.py",
    "numpy.py",
    "keras.py",
    "mtcnn.py",
)
PLANTED += ("jax/__init__.py", "tensorflow/__init__.py", "torch/__init__.py", "sitecustomize.py", "owned.py")
SCRIPT = Path(sys.executable).with_name("ganlab")
STUDY = "base: tiny.yaml\nmatrix: {train.batch_size: [4, 8]}\n"
COMMANDS = {
    "sweep": ("sweep", "study/study.yaml", "-j", "2", "-q"),
    "dry sweep": ("sweep", "study/study.yaml", "--dry-run"),
    "doctor": ("doctor",),
    "run": ("run", "tiny.yaml", "--dry-run"),
    "check": ("check", "tiny.yaml"),
    "prepare": ("prepare", "mine", "--source", "photos", "--size", "16", "--crop", "none"),
    "ls": ("ls",),
}
SLOW = ("sweep", "doctor")


@pytest.fixture
def planted(tmp_path):
    """A folder with planted modules, in which each that is executed writes its name to `marker`."""
    for name in PLANTED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(PLANT.format(marker=str(tmp_path / "marker")))
    (tmp_path / "matplotlibrc").write_text("backend: module://owned\n")
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.yaml").write_text(STUDY.replace("tiny.yaml", "../tiny.yaml"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(jpeg())
    return tmp_path


def start(folder: Path, cache: Path, *words, **more: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    environment |= {"GANLAB_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3"} | more
    return subprocess.run(list(map(str, words)), cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=pytest.mark.slow(longest=True) if name in SLOW else ()) for name in COMMANDS]
)
def test_nothing_in_it_is_executed(planted, cache, command):
    done = start(planted, cache, sys.executable, "-m", "ganlab", *COMMANDS[command])
    assert not (planted / "marker").exists(), (planted / "marker").read_text()
    assert done.returncode == 0, done.stderr
    assert command != "sweep" or len(list(planted.glob("results/digits/*/summary.json"))) == 2


@pytest.mark.skipif(not SCRIPT.exists(), reason="ganlab is not installed here")
def test_the_installed_command_looks_there_no_more(planted, cache):
    done = start(planted, cache, SCRIPT, *COMMANDS["run"])
    assert done.returncode == 0 and not (planted / "marker").exists(), done.stderr


@pytest.mark.parametrize("name", PLANTED)
def test_each_would_be_executed_if_python_looked_there(planted, cache, name):
    module = name.removesuffix(".py").removesuffix("/__init__")
    start(planted, cache, sys.executable, "-c", f"import sys; sys.modules.pop({module!r}, None); import {module}")
    assert (planted / "marker").read_text().startswith(f"{module}\n")


def test_ganlab_that_lies_there_and_is_not_installed_finds_itself_in_its_processes(tmp_path, cache):
    package = tmp_path / "ganlab"
    package.mkdir()
    shutil.copy(working_folder.__file__, package)
    (package / "__main__.py").write_text(
        "import os, subprocess, sys\n"
        "from ganlab.working_folder import SAFE_PATH, leave_working_folder\n"
        "leave_working_folder()\n"
        "words = [sys.executable, '-m', 'ganlab.process']\n"
        "sys.exit(subprocess.run(words, env=os.environ | SAFE_PATH).returncode)\n"
    )
    (package / "process.py").write_text("print(__file__)\n")
    # Without the environment of the tests: an installed ganlab comes after the folders on Python's path.
    done = start(tmp_path, cache, sys.executable, "-m", "ganlab", PYTHONPATH="")
    assert (done.returncode, done.stdout) == (0, f"{package / 'process.py'}\n"), done.stderr


def test_a_process_that_is_started_in_the_block_alone_is_safe(monkeypatch):
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    with working_folder.safe_start():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert os.environ["PYTHONSAFEPATH"] == ""
    monkeypatch.delenv("PYTHONSAFEPATH")
    with working_folder.safe_start():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert "PYTHONSAFEPATH" not in os.environ
