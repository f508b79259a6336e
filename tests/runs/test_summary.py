import json

import pytest

from ganlab.runs.folder import RunFolder
from ganlab.runs.summary import hyperparameters, summarise
from tests.runs.test_logs import line, write_metrics
from tests.training.tiny import tiny_config


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


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
        "limit": None,
        "split": None,
        "labels": None,
        "labelled": None,
    }


def test_the_use_of_labels_and_of_a_part_of_the_data_is_told():
    data = {"name": "digits", "limit": 200, "split": "all", "labelled": 100}
    found = hyperparameters(tiny_config(labels="semi_supervised", data=data), 8)
    assert [found[key] for key in ("labels", "limit", "split", "labelled")] == ["semi_supervised", 200, "all", 100]


def test_what_does_not_apply_is_none():
    found = hyperparameters(tiny_config(), None)
    assert [found[key] for key in ("clip_weights", "penalty", "ema", "image_size")] == [None] * 4


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
