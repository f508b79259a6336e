import os
import shutil

import pytest

from ganlab.cli.main import main
from tests.cli.experiments import CONFIG, SECRET
from tests.forks import Fork


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for all commands, so that the statistics of the digits are computed once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, cache):
    """A folder with tiny.yaml and the results of a whole run of it, made in a process of its own."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(CONFIG)
    environment = os.environ | {"GANLAB_CACHE": str(cache), "SOME_TOKEN": SECRET}
    process = Fork(folder, "run", "tiny.yaml", "-q", environment=environment)
    assert process.wait(timeout=300) == 0, process.communicate()
    return folder


@pytest.fixture
def trained(tmp_path, finished):
    """A copy of `finished` to work in; the current folder of the test."""
    return shutil.copytree(finished, tmp_path / "work")


@pytest.fixture
def ganlab(capfd, monkeypatch, tmp_path, cache, request):
    """Runs a command line in this process, in a folder with tiny.yaml: (exit code, stdout, stderr)."""
    folder = request.getfixturevalue("trained") if "trained" in request.fixturenames else tmp_path
    (folder / "tiny.yaml").write_text(CONFIG)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GANLAB_CACHE", str(cache))
    monkeypatch.delenv("GANLAB_DEBUG", raising=False)

    def call(*words):
        with pytest.raises(SystemExit) as caught:
            main([str(word) for word in words])
        return caught.value.code, *capfd.readouterr()

    return call
