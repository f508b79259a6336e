import pytest

from ganlab.runs.folder import RunFolder
from ganlab.training.background import BackgroundWriter


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    return RunFolder(path)


@pytest.fixture
def writer():
    writer = BackgroundWriter()
    yield writer
    writer.close()
