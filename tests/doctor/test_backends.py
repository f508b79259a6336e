"""The words about a backend whose devices compute rightly, wrongly, or not to the end."""

import numpy as np
import pytest

from ganlab.doctor.backends import TOLERANCE, Answer, ask_process, examine, is_installed
from tests.doctor.answers import RIGHT, on_a_gpu


def findings(answer, has_card=False, backend="tensorflow", known=None):
    return list(examine(backend, answer, has_card, {} if known is None else known))


def failed(answer, **more):
    return [finding for finding in findings(answer, **more) if finding.state == "failed"]


def test_all_is_well_where_an_accelerator_agrees_with_the_cpu():
    lines = [finding.line() for finding in findings(on_a_gpu())]
    assert len(lines) == 3 and all(line.startswith("ok ") for line in lines)
    assert lines[0].endswith("sees cpu:0 (CPU), gpu:0 (NVIDIA H100)")
    assert lines[1].endswith("tensorflow on cpu:0: a small GAN trains for 4 steps")
    assert lines[2].endswith(
        "tensorflow on gpu:0: a small GAN trains for 4 steps as on tensorflow's CPU: "
        "losses differ by 0.0e+00 of the largest, tolerance 2e-03"
    )


@pytest.mark.parametrize("place", [(0, 0), (3, 1)])
def test_an_accelerator_whose_losses_are_others_is_found(place):
    wrong = RIGHT.copy()
    wrong[place] += 0.013
    (finding,) = failed(on_a_gpu(wrong))
    assert finding.subject == "tensorflow on gpu:0"
    assert finding.text.endswith(
        "otherwise than on tensorflow's CPU: losses differ by 1.0e-02 of the largest, tolerance 2e-03"
    )
    assert finding.advice == "train with 'device: cpu' or on another backend"


def test_the_border_is_the_tolerance():
    assert failed(on_a_gpu(RIGHT + 0.99 * TOLERANCE * RIGHT.max())) == []
    assert len(failed(on_a_gpu(RIGHT + 1.01 * TOLERANCE * RIGHT.max()))) == 1


def test_losses_that_are_not_finite_are_found_on_any_device():
    (finding,) = failed(on_a_gpu(RIGHT * np.nan))
    assert finding.text == "a small GAN trains for 4 steps, its losses are not finite"
    (finding,) = failed(Answer({"cpu:0": "CPU"}, {"cpu:0": RIGHT * np.inf}))
    assert finding.advice == "reinstall tensorflow"


def test_the_cpu_of_a_backend_is_held_against_that_of_the_one_before(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda package: "1.0")  # JAX need not be installed
    known = {}
    assert failed(on_a_gpu(), known=known) == [] and list(known) == ["tensorflow's CPU"]
    (finding,) = failed(Answer({"cpu:0": "cpu"}, {"cpu:0": RIGHT * 1.01}), backend="jax", known=known)
    assert "otherwise than on tensorflow's CPU" in finding.text and finding.advice == "reinstall jax"
    assert list(known) == ["tensorflow's CPU"], "nothing is held against a CPU that computes wrongly"


def test_a_device_whose_process_died_is_found_and_the_others_are_still_told():
    answer = Answer({"cpu:0": "CPU", "gpu:0": "X"}, {"cpu:0": RIGHT}, "it ended with code -11: out of memory")
    (finding,) = failed(answer)
    assert (finding.subject, finding.text) == (
        "tensorflow on gpu:0",
        "self-test did not end: it ended with code -11: out of memory",
    )
    assert [finding.state for finding in findings(answer)] == ["ok", "ok", "failed"]


def test_without_an_accelerator_it_says_what_was_tested_and_how_a_card_becomes_visible():
    answer = Answer({"cpu:0": "CPU"}, {"cpu:0": RIGHT})
    assert findings(answer)[-1].text == "sees no accelerator: only its CPU was tested"
    with_card = findings(answer, has_card=True)[-1]
    assert (
        with_card.text.startswith("does not see the NVIDIA card") and with_card.advice == "pip install 'ganlab[cuda]'"
    )


def test_a_backend_that_is_not_installed_is_no_fault(monkeypatch):
    (finding,) = findings(None, backend="jax")
    assert finding.line() == "note    jax: not installed; for --backend jax: pip install 'ganlab[jax]'"
    assert is_installed("tensorflow") and not is_installed("no_such_package")


class TestTheProcess:
    def test_that_takes_too_long_is_ended(self):
        answer = ask_process("tensorflow", most_seconds=0.05)
        assert answer == Answer(None, {}, "it took longer than 0.05 seconds")
        (finding,) = failed(answer)
        assert finding.text.endswith("does not start: it took longer than 0.05 seconds")

    def test_that_fails_says_why(self):
        answer = ask_process("no-such-backend")
        assert answer.devices is None and answer.problem.startswith("it ended with code 1: ")
        assert "no-such-backend" in answer.problem

    def test_does_not_run_what_lies_in_the_working_folder(self, tmp_path, monkeypatch):
        (tmp_path / "json.py").write_text("open('ran', 'w')")
        monkeypatch.chdir(tmp_path)
        ask_process("no-such-backend")
        assert not (tmp_path / "ran").exists()

    @pytest.mark.slow
    def test_tells_the_devices_and_the_losses_on_each(self):
        answer = ask_process("tensorflow")
        assert answer.problem == "" and next(iter(answer.devices)) == "cpu:0"
        assert failed(answer) == [] and answer.losses.keys() == answer.devices.keys()
