"""experiments/losses: a study of losses in which nothing but the loss differs."""

from pathlib import Path

import pytest

from ganlab.sweeps.configs import configs_of

STUDIES = Path(__file__).parents[2] / "experiments" / "losses"
VARIED = ("name", "loss", "penalty", "clip_weights", "seed")


@pytest.mark.parametrize("study", ["gray", "colour"])
def test_runs_on_the_same_data_differ_in_their_loss_alone(study):
    found = {}
    configs, problems = configs_of(STUDIES / study)
    for config in configs:
        rest = {key: value for key, value in config.model_dump().items() if key not in VARIED}
        found.setdefault(config.data.name, []).append(rest)
    assert problems == [] and [len(several) for several in found.values()] == [18, 18]
    assert all(rest == several[0] for several in found.values() for rest in several)
