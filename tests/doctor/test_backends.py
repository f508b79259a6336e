"""What is said of a backend whose devices compute rightly, wrongly, or not to the end."""

import numpy as np
import pytest

from ganlab.doctor.backends import Answer, ask_process, examine
from ganlab.doctor.cases import cases

RIGHT = {name: case.expected for name, case in cases().items()}


def findings(answer, has_card=False, backend="tensorflow"):
    return list(examine(backend, lambda asked: answer, has_card))


def failed(answer):
    return [finding for finding in findings(answer) if finding.state == "failed"]


def on_a_gpu(**changes):
    """The answer of a machine with a card that computes all rightly but for the changes."""
    results = RIGHT | {
        name.replace("_", " "): change(RIGHT[name.replace("_", " ")]) for name, change in changes.items()
    }
    return Answer({"cpu:0": "CPU", "gpu:0": "NVIDIA H100"}, {"cpu:0": RIGHT, "gpu:0": results})


def test_all_is_well_where_an_accelerator_agrees_with_the_cpu():
    lines = [finding.line() for finding in findings(on_a_gpu())]
    assert len(lines) == 3 and all(line.startswith("ok ") for line in lines)
    assert lines[0].endswith("sees cpu:0 (CPU), gpu:0 (NVIDIA H100)")
    assert "tensorflow on gpu:0: 5 of 5 operations agree" in lines[2]


@pytest.mark.parametrize("name", RIGHT)
def test_any_operation_that_an_accelerator_computes_wrongly_is_found(name):
    (finding,) = failed(on_a_gpu(**{name.replace(" ", "_"): lambda right: right + 0.02 * np.abs(right).max()}))
    assert finding.subject == "tensorflow on gpu:0"
    assert finding.text.startswith(f"{name} differs from the CPU by 2.0e-02 of its largest value, tolerance ")
    assert finding.advice == "train with 'device: cpu' or on another backend"


@pytest.mark.parametrize("name", RIGHT)
def test_the_rounding_of_eleven_bits_of_mantissa_is_no_fault(name):
    def rounded(right):
        return np.round(right / np.abs(right).max() * 2048) / 2048 * np.abs(right).max()

    assert failed(on_a_gpu(**{name.replace(" ", "_"): rounded})) == []


@pytest.mark.parametrize(
    "change", [lambda right: right * np.nan, lambda right: right[:1]], ids=["NaN", "another shape"]
)
def test_nan_and_a_wrong_shape_are_found(change):
    assert len(failed(on_a_gpu(convolution=change))) == 1


def test_a_processor_that_differs_from_numpy_is_found():
    wrong = RIGHT | {"an Adam step": RIGHT["an Adam step"] * 1.001}
    (finding,) = failed(Answer({"cpu:0": "CPU"}, {"cpu:0": wrong}))
    assert finding.text.startswith("an Adam step differs from NumPy by 1.0e-03")
    assert finding.advice == "reinstall tensorflow"


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
    assert findings(answer)[-1].text == "sees no accelerator: only its CPU was tested, against NumPy"
    with_card = findings(answer, has_card=True)[-1]
    assert with_card.text.startswith("does not see the NVIDIA card") and with_card.advice == "pip install -e '.[cuda]'"


def test_a_backend_that_is_not_installed_is_no_fault(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (finding,) = findings(None, backend="jax")
    assert finding.line() == "note    jax: not installed; for --backend jax: pip install -e '.[jax]'"


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

    @pytest.mark.slow
    def test_tells_the_devices_and_what_each_computes(self):
        answer = ask_process("tensorflow")
        assert answer.problem == "" and next(iter(answer.devices)) == "cpu:0"
        assert failed(answer) == [] and answer.results.keys() == answer.devices.keys()
