import json
import os
import re
import socket

import keras
import numpy as np

from ganlab.environment import environment


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


def test_it_holds_no_environment_variable(monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "very-secret-value")
    assert "very-secret-value" not in json.dumps(environment("tensorflow", "cpu"))
