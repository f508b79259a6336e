"""Each test gets an empty cache and, unless it is marked `data`, an empty folder of own data sets."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def own_data(request, tmp_path, monkeypatch) -> Path:
    if request.node.get_closest_marker("data"):
        if not Path(os.environ.get("GANLAB_DATA", "")).joinpath("mnist", "mnist.npz").is_file():
            pytest.skip("GANLAB_DATA names no folder with mnist/mnist.npz")
        return Path(os.environ["GANLAB_DATA"])
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    return tmp_path / "own"
