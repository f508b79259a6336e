"""`ganlab doctor`: its lines, its JSON and its exit code; what it finds is in tests/doctor."""

import json

import pytest

from ganlab.doctor import diagnosis
from ganlab.errors import ConfigError
from tests.doctor.answers import RIGHT, on_a_gpu


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Replaces the answers of the backends' processes. There are no published data sets, which would be read whole."""
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "gone"))

    def answers(losses):
        monkeypatch.setattr(diagnosis, "ask_process", lambda backend: on_a_gpu(losses))
        monkeypatch.setattr(diagnosis, "BACKENDS", {"tensorflow": None})

    return answers


def test_exits_with_0_where_all_is_well(ganlab, machine):
    machine(RIGHT)
    code, out, err = ganlab("doctor")
    assert (code, err) == (0, "") and "\nok      tensorflow on gpu:0: a small GAN trains for 4 steps as on" in out
    assert all(line.split(maxsplit=1)[0] in ("ok", "note") for line in out.splitlines())


def test_exits_with_1_and_says_what_to_do_where_an_accelerator_computes_wrongly(ganlab, machine):
    machine(RIGHT * 1.5)
    code, out, err = ganlab("doctor")
    wrong = [line for line in out.splitlines() if line.startswith("failed")]
    assert code == 1 and len(wrong) == 1 and err.endswith("checks failed; the first: tensorflow on gpu:0\n")
    assert "losses differ by 5.0e-01 of the largest" in wrong[0] and "'device: cpu'" in wrong[0]


def test_goes_on_where_there_is_no_home_folder(ganlab, machine, monkeypatch):
    def no_home():
        raise ConfigError("GANLAB_CACHE: missing, and there is no home folder")

    machine(RIGHT)
    monkeypatch.setattr(diagnosis, "list_datasets", no_home)
    code, out, _ = ganlab("doctor")
    assert (
        code == 1
        and "\nfailed  data: GANLAB_CACHE: missing" in out
        and "results" in out.splitlines()[-2] + out.splitlines()[-1]
    )


def test_says_the_same_as_json(ganlab, machine):
    machine(RIGHT)
    code, out, _ = ganlab("doctor", "--json")
    document = json.loads(out)
    assert code == 0 and document["format"] == 1
    assert {
        "state": "ok",
        "subject": "classifiers",
        "text": "weights for digits, mnist, fashion_mnist",
        "advice": "",
    } in (document["findings"])


def test_writes_nothing(ganlab, machine, tmp_path):
    machine(RIGHT)
    before = sorted(path.name for path in tmp_path.iterdir())
    ganlab("doctor")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
