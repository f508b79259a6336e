"""What a shell completes, as click asks for it, without a process."""

import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from ganlab.cli.main import COMMANDS, cli
from tests.run_folders import write_run


@pytest.fixture
def complete(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ShellComplete(cli, {}, "ganlab", "_GANLAB_COMPLETE")
    return lambda *words: [item.value for item in asked.get_completions(list(words[:-1]), words[-1])]


def test_commands(complete):
    assert complete("s") == [name for name in COMMANDS if name.startswith("s")]


@pytest.mark.parametrize("command", ["show", "sample", "evaluate", "neighbours", "diff", "report", "verify", "rm"])
def test_names_of_runs(complete, tmp_path, command):
    names = {write_run(tmp_path / "results", name).name for name in ("exp01", "exp02")}
    write_run(tmp_path / "results" / ".trash", "exp03")
    write_run(tmp_path / "other", "exp04")
    assert {*complete(command, "exp0")} == names
    assert [name[:5] for name in complete(command, "--results", str(tmp_path / "other"), "")] == ["exp04"]


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_keys_of_a_config(complete, command):
    assert complete(command, "exp18", "-o", "train.batch") == ["train.batch_size="]
    assert "extends=" not in complete(command, "exp18", "-o", "")


@pytest.mark.parametrize("command", ["report", "evaluate"])
def test_names_of_metrics(complete, command):
    assert "fid5k" in complete(command, "--metric", "fid") and complete(command, "--metric", "xyz") == []


def test_loads_nothing_heavy(tmp_path):
    program = (
        "import os, sys; os.environ |= {'_GANLAB_COMPLETE': 'bash_complete', 'COMP_WORDS': 'ganlab show ', 'COMP_CWORD': '2'}\n"
        "from ganlab.cli.main import main\n"
        "try: main()\n"
        "finally: print(sorted({'pydantic', 'yaml', 'rich', 'numpy', 'keras'} & {*sys.modules}), file=sys.stderr)"
    )
    run = write_run(tmp_path / "results")
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"plain,{run.name}\n", "[]\n")
