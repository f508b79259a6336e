import json

import pytest

from ganlab.training.choices import recall, remember, remembered_path
from ganlab.training.timing import Choice

CHOICE = Choice(True, 32, {"plain": 0.25, "xla": 0.125})
WRONG = [
    json.dumps(CHOICE.facts() | wrong)
    for wrong in (
        {"room": 0},
        {"room": -1},
        {"room": "8"},
        {"room": 10**9},
        {"room": True},
        {"jit": 1},
        {"fold": None},
        {"seconds": 3},
    )
]
PLACE = {"cell": "c0ffee", "jit": "auto", "backend": "tensorflow", "device": "cpu"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_measured_comes_back():
    path = remembered_path(**PLACE)
    assert recall(path) is None
    remember(path, CHOICE)
    assert recall(remembered_path(**PLACE)) == CHOICE


@pytest.mark.parametrize("change", [{"cell": "beef"}, {"jit": True}, {"backend": "jax"}, {"device": "gpu: H100"}])
def test_another_cell_or_device_is_measured_by_itself(change):
    assert remembered_path(**PLACE | change) != remembered_path(**PLACE)


def test_so_are_another_number_of_threads_and_another_version(monkeypatch):
    before = remembered_path(**PLACE)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "63")
    threads = remembered_path(**PLACE)
    monkeypatch.setattr("ganlab.runs.environment._version", lambda package: "99")
    assert len({before, threads, remembered_path(**PLACE)}) == 3


@pytest.mark.parametrize("content", ["", "{", "[]", '{"jit": true}', '{"of": "another time"}', *WRONG])
def test_what_cannot_be_read_is_measured_again(content):
    path = remembered_path(**PLACE)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert recall(path) is None
    remember(path, CHOICE)
    assert recall(path) == CHOICE


def test_a_cache_that_cannot_be_written_stops_nothing(cache):
    cache.write_text("a file")
    remember(remembered_path(**PLACE), CHOICE)
    assert recall(remembered_path(**PLACE)) is None
