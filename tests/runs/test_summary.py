import json

import pytest

from ganlab.runs.folder import RunFolder
from ganlab.runs.summary import hyperparameters, metric_table, summarise
from tests.training.tiny import tiny_config


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def line(step, name, value, **more):
    return {"step": step, "name": name, "value": value, "floor": 0.5, "floor_n": 500} | {
        "fingerprint": "f00d",
        "weight_hash": "beef",
        **more,
    }


def write_metrics(folder, *lines):
    folder.metrics.write_text("".join(json.dumps(entry) + "\n" for entry in lines))


def test_hyperparameters_are_flat_words_and_numbers():
    config = tiny_config(
        optimizer={"Adam": {"learning_rate": {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 9}}}},
        loss="wasserstein",
        penalty={"wgan_gp": {"weight": 10.0}, "r1": {"weight": 0.5, "every": 4}},
        train={"discriminator_steps": 5, "ema": 0.99},
    )
    adam = "Adam(learning_rate=CosineDecay(0.1))"
    assert hyperparameters(config, 28) == {
        "latent_dim": 3,
        "batch_size": 4,
        "discriminator_steps": 5,
        "loss": "wasserstein",
        "generator_optimizer": adam,
        "discriminator_optimizer": adam,
        "clip_weights": None,
        "penalty": "wgan_gp(10), r1(0.5)",
        "ema": 0.99,
        "precision": "float32",
        "image_size": 28,
    }


def test_what_does_not_apply_is_none():
    found = hyperparameters(tiny_config(), None)
    assert [found[key] for key in ("clip_weights", "penalty", "ema", "image_size")] == [None] * 4


class TestMetricTable:
    def test_the_best_distance_is_the_lowest_and_the_best_score_the_highest(self, folder):
        write_metrics(
            folder,
            *(line(step, "fd1k_classifier", value) for step, value in ((10, 5.0), (20, 2.0), (30, 9.0))),
            *(line(step, "is1k_classifier", value) for step, value in ((10, 5.0), (20, 8.0), (30, 7.0))),
        )
        table = metric_table(folder)
        picked = {name: [entry[key] for key in ("last", "best", "best_step")] for name, entry in table.items()}
        assert picked == {"fd1k_classifier": [9.0, 2.0, 20], "is1k_classifier": [7.0, 8.0, 20]}
        assert table["fd1k_classifier"]["floor"] == 0.5 and table["fd1k_classifier"]["fingerprint"] == "f00d"

    def test_the_first_of_equal_values_is_the_best_step(self, folder):
        write_metrics(folder, line(10, "fd1k_classifier", 2.0), line(20, "fd1k_classifier", 2.0))
        assert metric_table(folder)["fd1k_classifier"]["best_step"] == 10

    def test_lines_count_by_their_step_not_by_their_place(self, folder):
        write_metrics(folder, line(20, "fd1k_classifier", 2.0), line(10, "fd1k_classifier", 5.0))
        assert metric_table(folder)["fd1k_classifier"]["last"] == 2.0

    def test_a_value_of_an_earlier_step_is_not_the_last_of_a_run_that_could_not_be_measured_at_its_end(self, folder):
        write_metrics(folder, line(10, "fd1k_classifier", 2.0))
        entry = metric_table(folder, finished=20)["fd1k_classifier"]
        assert (entry["last"], entry["best"], entry["best_step"]) == (None, 2.0, 10)
        assert metric_table(folder, finished=10)["fd1k_classifier"]["last"] == 2.0

    def test_metrics_of_another_version_are_listed_as_well(self, folder):
        write_metrics(
            folder, *(line(step, name, value) for step, value in ((10, 5.0), (20, 2.0)) for name in ("fid7k_x", "x"))
        )
        best = {name: entry["best"] for name, entry in metric_table(folder).items()}
        assert best == {"fid7k_x": 2.0, "x": 5.0}

    def test_a_run_without_metrics_has_an_empty_table(self, folder):
        assert metric_table(folder) == {}


FACTS = {"identity": "abc", "cell": "def", "status": "finished", "verdict": "ok", "reason": None, "image_size": 8}


def test_a_summary_has_what_tables_need(folder):
    folder.history.write_text("step,d_loss,seconds\n1,0.5,0.25\n2,0.5,0.25\n")
    write_metrics(folder, line(2, "fd1k_classifier", 2.0))
    summary = summarise(folder, tiny_config(seed=3, family="LSGAN"), FACTS, seconds=7.123456)
    assert {key: summary[key] for key in ("format", "name", "family", "seed", "dataset")} == {
        "format": 1,
        "name": "tiny",
        "family": "LSGAN",
        "seed": 3,
        "dataset": "digits",
    }
    assert (summary["steps"], summary["seconds"], summary["training_seconds"]) == (2, 7.12, 0.5)
    assert (summary["steps_per_second"], summary["images_per_second"]) == (4.0, 16.0)  # four images a step
    assert summary["config"]["image_size"] == 8 and "image_size" not in summary
    assert summary["metrics"]["fd1k_classifier"]["last"] == 2.0
    assert {key: summary[key] for key in ("identity", "cell", "status", "verdict", "reason")} == {
        key: value for key, value in FACTS.items() if key != "image_size"
    }
    json.dumps(summary, allow_nan=False)


def test_a_run_that_made_no_step_has_no_speed(folder):
    folder.history.write_text("step,d_loss,seconds\n")
    summary = summarise(folder, tiny_config(), FACTS, seconds=1.0)
    assert (summary["steps"], summary["steps_per_second"], summary["images_per_second"]) == (0, None, None)
    json.dumps(summary, allow_nan=False)
