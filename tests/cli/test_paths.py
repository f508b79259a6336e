from pathlib import Path

import pytest

from ganlab.errors import ConfigError
from ganlab.paths import user_path
from ganlab.storage.cache import cache_folder
from tests.cli.experiments import files_below, the_run


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_tilde_is_the_home_folder_and_only_at_the_start(home):
    assert user_path("~/runs") == home / "runs" and user_path("~") == home
    assert user_path("a/~/b") == Path("a/~/b") and user_path("./~b") == Path("~b")


def test_without_a_home_folder_a_tilde_is_one_line(monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    for written in ("~", "~/runs/a"):
        with pytest.raises(ConfigError, match=f"^{written}: this user has no home folder; write the whole path$"):
            user_path(written)
    assert user_path("~no-such-user-here/x") == Path("~no-such-user-here/x")


def refuse(*names, **options):
    raise RuntimeError("could not determine the home directory")


@pytest.mark.parametrize("answer", [lambda *names, **options: "~/.cache/ganlab", refuse])
def test_without_a_home_folder_the_cache_needs_a_name(monkeypatch, answer):
    monkeypatch.setattr("platformdirs.user_cache_dir", answer)
    monkeypatch.delenv("GANLAB_CACHE", raising=False)
    with pytest.raises(ConfigError, match="no home folder; set GANLAB_CACHE"):
        cache_folder()
    monkeypatch.setenv("GANLAB_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")


COMMANDS = [
    ("ls", "--results", "~/results"),
    ("check", "~/tiny.yaml"),
    ("verify", "~/results"),
    ("show", "~/results/digits/RUN"),
    ("diff", "~/results/digits/RUN", "RUN", "--results=~/results"),
    ("report", "~/results", "--out", "~/table.csv"),
    ("sample", "~/results/digits/RUN", "--out", "~/grid.png"),
    ("run", "~/tiny.yaml", "--results=~/results", "-q"),
    ("run", "~/tiny.yaml", "--results", "~/new", "--init-from", "~/results/digits/RUN:8", "--dry-run"),
    ("sweep", "~/tiny.yaml", "--results", "~/results", "--dry-run"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_knows_the_home_folder(ganlab, trained, monkeypatch, words):
    monkeypatch.setenv("HOME", str(trained))
    (trained / "elsewhere").mkdir()
    monkeypatch.chdir(trained / "elsewhere")
    name = the_run(trained / "results").name
    code, _, err = ganlab(*(word.replace("RUN", name) for word in words))
    assert code == 0, err
    assert files_below(trained / "elsewhere") == {}


def test_a_config_extends_a_file_of_the_home_folder(ganlab, trained, monkeypatch):
    monkeypatch.setenv("HOME", str(trained))
    (trained / "configs").mkdir()
    (trained / "configs" / "more.yaml").write_text("extends: ~/tiny.yaml\nseed: 7\n")
    code, out, err = ganlab("run", "configs/more.yaml", "--dry-run")
    assert code == 0 and "seed: 7" in out, err
