"""metrics.jsonl while a run trains: when lines are written."""

import pytest

from ganlab.config.steps import Stretch
from ganlab.data import load_dataset
from ganlab.metrics.protocols import resolve
from ganlab.runs.logs import read_metrics
from ganlab.training.callbacks import Metrics
from tests.training.contexts import chunk, due, run_context
from tests.training.tiny import build, tiny_config

GENERATOR = [{"Dense": {"units": 64, "activation": "tanh"}}, {"Reshape": {"target_shape": [8, 8, 1]}}]


@pytest.fixture
def digits(tmp_path, monkeypatch):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    return load_dataset(tiny_config().data)


@pytest.fixture
def context_of(folder, writer, digits):
    def made(generator=None, total=6, protocols=("is1k_classifier",), output=None, **changes):
        critic = ["Flatten", {"Dense": {"units": 1}}]
        config = tiny_config(generator=generator or GENERATOR, discriminator=critic, output=output or {})
        tiny = build(config, images=digits.train.images)
        resolved = resolve(list(protocols), digits)
        return run_context(tiny, folder, writer, total, dataset=digits, protocols=resolved, **changes)

    return made


def test_are_appended_every_few_steps_and_at_the_end(folder, context_of):
    metrics = Metrics(context_of(output={"metrics_every": 4}))
    assert due(metrics, 6) == [4, 6]
    for step in (3, 4, 6):
        metrics.on_chunk(chunk(step))
    lines = read_metrics(folder.metrics)
    assert [(line["step"], line["name"]) for line in lines] == [(4, "is1k_classifier"), (6, "is1k_classifier")]
    assert 1 <= lines[0]["value"] <= 10 < len(lines[0])  # a score, and its whole protocol beside it
    assert lines[0]["value"] == lines[1]["value"]  # the same latents every time


def test_images_that_show_nothing_have_no_value_and_do_not_end_the_run(folder, context_of):
    blank = [{"Dense": {"units": 64, "kernel_initializer": "zeros"}}, GENERATOR[1]]
    Metrics(context_of(blank)).on_chunk(chunk(6))
    assert read_metrics(folder.metrics) == []


def test_a_metric_that_fails_is_one_line_and_the_run_goes_on(folder, context_of, monkeypatch, capsys):
    def fail(*_):
        raise ZeroDivisionError("no\nway")

    monkeypatch.setattr("ganlab.metrics.evaluation.evaluate_all", fail)
    Metrics(context_of()).on_chunk(chunk(6))
    line = (
        f"{folder.path}: no metrics at step 6: ZeroDivisionError: no way; `ganlab evaluate {folder.path}` tries again\n"
    )
    assert capsys.readouterr().err == line
    assert read_metrics(folder.metrics) == []


def test_metrics_that_cannot_be_written_end_it(folder, context_of):
    folder.metrics.mkdir()
    with pytest.raises(OSError, match=r"metrics\.jsonl"):
        Metrics(context_of()).on_chunk(chunk(6))


def test_without_metrics_every_they_come_only_at_the_end(folder, context_of):
    metrics = Metrics(context_of())
    assert due(metrics, 6) == [6]
    metrics.on_chunk(chunk(5))
    assert not folder.metrics.exists()
    metrics.on_chunk(chunk(6))
    assert [line["step"] for line in read_metrics(folder.metrics)] == [6]


def test_without_protocols_there_is_no_file(folder, context_of):
    Metrics(context_of(protocols=())).on_chunk(chunk(6))
    assert not folder.metrics.exists()


def test_they_wait_for_the_last_phase(folder, context_of):
    output = {"metrics_every": 2}
    Metrics(context_of(output=output, stretch=Stretch(1, 0, 4))).on_chunk(chunk(4))
    assert not folder.metrics.exists()
    Metrics(context_of(output=output, stretch=Stretch(2, 4, 6))).on_chunk(chunk(6))
    assert [line["step"] for line in read_metrics(folder.metrics)] == [6]
