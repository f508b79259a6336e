import json
import os
import re
import socket
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest

import ganlab.runs.environment
from ganlab.runs.environment import environment, setting_of
from ganlab.runs.folder import RunFolder


def test_it_says_what_a_run_was_made_with():
    facts = environment("tensorflow", "cpu")
    assert (facts["backend"], facts["device"], facts["host"]) == ("tensorflow", "cpu", socket.gethostname())
    assert facts["versions"]["keras"] == keras.__version__
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["cpus"] == os.cpu_count()
    assert None not in facts["versions"].values()
    assert json.loads(json.dumps(facts)) == facts


def test_the_commit_is_one_or_none():
    commit = environment("tensorflow", "cpu")["commit"]
    assert commit is None or re.fullmatch(r"[0-9a-f]{40}(\+changes)?", commit)


def test_settings_of_the_environment_that_change_rounding_are_recorded(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    settings = environment("tensorflow", "cpu")["settings"]
    assert settings["NVIDIA_TF32_OVERRIDE"] == "0" and settings["XLA_FLAGS"] == "--xla_cpu_enable_fast_math=true"
    assert "OMP_NUM_THREADS" not in settings


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"settings": {"TF_ENABLE_ONEDNN_OPTS": "0"}}', "0"),
        ('{"settings": {}}', None),  # begun by a version that left the choice to TensorFlow
        ('{"settings": {"TF_ENABLE_ONEDNN_OPTS": "-1; rm"}}', None),
        ("[1", None),
        (None, "1"),
    ],
)
def test_a_run_goes_on_with_the_settings_it_began_with(tmp_path, content, expected):
    if content is not None:
        (tmp_path / "environment.json").write_text(content)
    assert setting_of(RunFolder(tmp_path), "TF_ENABLE_ONEDNN_OPTS", "1") == expected


def test_it_holds_no_other_environment_variable(monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "very-secret-value")
    assert "very-secret-value" not in json.dumps(environment("tensorflow", "cpu"))


def test_it_holds_no_secret_of_the_repository_it_came_from(monkeypatch, tmp_path):
    repository = tmp_path / "repository"
    (repository / "ganlab").mkdir(parents=True)
    for words in (
        ["init", "-q"],
        ["remote", "add", "origin", "https://user:very-secret-value@example.com/ganlab.git"],
        ["config", "http.extraheader", "AUTHORIZATION: very-secret-value"],
        [
            "-c",
            "user.name=very-secret-value",
            "-c",
            "user.email=a@b",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "very-secret-value",
        ],
        ["checkout", "-q", "-b", "very-secret-value"],
    ):
        subprocess.run(["git", "-C", str(repository), *words], check=True)
    monkeypatch.setattr(ganlab.runs.environment, "__file__", str(repository / "ganlab" / "runs" / "environment.py"))
    facts = environment("tensorflow", "cpu")
    assert re.fullmatch("[0-9a-f]{40}", facts["commit"])
    assert "very-secret-value" not in json.dumps(facts) and str(tmp_path) not in json.dumps(facts)
    assert str(Path.home()) not in json.dumps(facts) and os.environ["PATH"] not in json.dumps(facts)
