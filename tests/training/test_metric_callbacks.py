"""metrics.jsonl: when lines are written, and what they say of the best step."""

import json

import numpy as np
import pytest

from ganlab.data import load_dataset
from ganlab.metrics.protocols import resolve
from ganlab.runs.folder import RunFolder
from ganlab.training.callbacks import Metrics, append_metrics, best_step, read_metrics
from ganlab.training.sampling import Sampler
from ganlab.training.trainer import Chunk
from tests.training.test_callbacks import due
from tests.training.tiny import build, tiny_config


def chunk(step: int) -> Chunk:
    return Chunk(step, ("d_loss",), np.ones((1, 1)), 0.5)


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


class TestMetricLines:
    def write(self, folder, *lines):
        folder.metrics.write_text("".join(f"{line}\n" for line in lines))

    def line(self, step, name, value):
        return json.dumps({"step": step, "name": name, "value": value})

    def test_the_last_line_of_a_step_and_name_counts_and_torn_ones_do_not(self, folder):
        self.write(
            folder, self.line(1, "is1k_classifier", 2.0), self.line(1, "is1k_classifier", 3.0), '{"step": 2, "na'
        )
        assert [line["value"] for line in read_metrics(folder)] == [3.0]

    def test_no_file_means_no_lines_and_no_best_step(self, folder):
        assert read_metrics(folder) == []
        assert best_step(folder) is None

    @pytest.mark.parametrize(("name", "expected"), [("fd1k_classifier", 20), ("is1k_classifier", 30)])
    def test_the_best_step_is_the_lowest_distance_or_the_highest_score(self, folder, name, expected):
        values = {10: 5.0, 20: 1.0, 30: 9.0}
        other = self.line(20, "pr1k_classifier.recall", 0.1)
        self.write(folder, *(self.line(step, name, value) for step, value in values.items()), other)
        assert best_step(folder) == expected


class TestMetrics:
    @pytest.fixture
    def digits(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
        return load_dataset(tiny_config().data)

    def test_are_appended_every_few_steps_and_at_the_end(self, folder, digits):
        layers = [{"Dense": {"units": 64, "activation": "tanh"}}, {"Reshape": {"target_shape": [8, 8, 1]}}]
        config = tiny_config(
            generator=layers, discriminator=["Flatten", {"Dense": {"units": 1}}], output={"metrics_every": 4}
        )
        sampler = Sampler(build(config, images=digits.train.images).gan.sampled, config)
        protocols = resolve(["is1k_classifier"], digits)
        metrics = Metrics(folder, config, protocols, digits, sampler, 6)
        assert due(metrics, 6) == [4, 6]
        for step in (3, 4, 6):
            metrics.on_chunk(chunk(step))
        lines = read_metrics(folder)
        assert [(line["step"], line["name"]) for line in lines] == [(4, "is1k_classifier"), (6, "is1k_classifier")]
        assert 1 <= lines[0]["value"] <= 10 < len(lines[0])  # a score, and its whole protocol beside it
        assert lines[0]["value"] == lines[1]["value"]  # the same latents every time
        assert append_metrics(folder, 7, [], digits, sampler) == []

    def test_images_that_show_nothing_have_no_value_and_do_not_end_the_run(self, folder, digits):
        layers = [{"Dense": {"units": 64, "kernel_initializer": "zeros"}}, {"Reshape": {"target_shape": [8, 8, 1]}}]
        config = tiny_config(generator=layers, discriminator=["Flatten", {"Dense": {"units": 1}}])
        sampler = Sampler(build(config, images=digits.train.images).gan.sampled, config)
        Metrics(folder, config, resolve(["is1k_classifier"], digits), digits, sampler, 6).on_chunk(chunk(6))
        assert read_metrics(folder) == []

    def test_without_metrics_every_they_come_only_at_the_end(self, folder, digits):
        metrics = Metrics(folder, tiny_config(), [], digits, None, 6)
        assert due(metrics, 6) == [6]
        metrics.on_chunk(chunk(6))
        assert not folder.metrics.exists()
