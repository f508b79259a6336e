import pytest

from ganlab.config.steps import Stretch, sample_steps, stretch_of, stretches, total_steps
from ganlab.errors import ConfigError
from tests.training.tiny import tiny_config

# Twelve steps at side 4, then twenty at side 8 whose first five let the new layers in.
PHASES = [{"steps": 12, "image_size": 4}, {"steps": 20, "image_size": 8, "fade": 5}]
FIRST, SECOND = Stretch(1, 0, 12, 0, 4), Stretch(2, 12, 32, 5, 8)


def config_of(phases=(), **train):
    config = tiny_config(train=train)
    length = {"steps": None, "epochs": None} if phases else {}
    content = config.model_dump() | {"phases": list(phases), "train": config.train.model_dump() | length}
    return type(config).model_validate(content)


def test_the_number_of_steps_is_that_of_the_config():
    assert total_steps(config_of(steps=7), 100) == 7
    assert total_steps(config_of(PHASES), 100) == 32


@pytest.mark.parametrize(
    ("train", "count", "expected"),
    [
        ({}, 100, 50),  # two epochs of 25 steps of 4
        ({}, 101, 51),  # what is left over is a step of its own
        ({"discriminator_steps": 5}, 100, 10),
        ({}, 1, 1),
    ],
)
def test_epochs_are_counted_in_the_samples_that_a_step_draws(train, count, expected):
    content = tiny_config(train=train).model_dump()
    content["train"] |= {"steps": None, "epochs": 2.0}
    assert total_steps(type(tiny_config()).model_validate(content), count) == expected


def test_sample_grids_at_epochs_are_converted_to_steps_like_the_length():
    config = tiny_config(output={"samples_at": [7, 25], "samples_at_epochs": [1, 0.5, 2]})
    assert sample_steps(config, 100) == [7, 13, 25, 50]  # 25 steps of 4 an epoch
    assert sample_steps(tiny_config(), 100) == []


@pytest.mark.parametrize("epochs", [1e200, 1e308])
def test_more_passes_than_a_number_can_count_are_a_mistake(epochs):
    content = tiny_config().model_dump()
    content["train"] |= {"steps": None, "epochs": epochs}
    with pytest.raises(ConfigError, match=r"train\.epochs: expected fewer passes over the data, received 1e\+"):
        total_steps(type(tiny_config()).model_validate(content), 10**6)
    with pytest.raises(ConfigError, match=r"output\.samples_at_epochs: expected fewer passes"):
        sample_steps(tiny_config(output={"samples_at_epochs": [epochs]}), 10**6)


def test_a_run_without_phases_is_one_stretch():
    assert stretches(config_of(steps=7), 7) == [Stretch(None, 0, 7)]


def test_phases_follow_each_other():
    assert stretches(config_of(PHASES), 32) == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("step", "expected"), [(0, FIRST), (1, FIRST), (12, FIRST), (13, SECOND), (32, SECOND), (40, SECOND)]
)
def test_a_checkpoint_belongs_to_the_phase_that_it_ends_or_lies_in(step, expected):
    assert stretch_of(config_of(PHASES), step) == expected


def test_a_phase_has_its_own_side_of_images():
    config = config_of(PHASES)
    assert [stretch.data(config).image_size for stretch in (FIRST, SECOND)] == [4, 8]
    assert Stretch(None, 0, 7).data(config) == config.data


@pytest.mark.parametrize(("step", "share"), [(12, 0.0), (13, 0.2), (17, 1.0), (32, 1.0)])
def test_new_layers_come_in_evenly(step, share):
    assert SECOND.share_at(step) == pytest.approx(share)


def test_without_a_fade_they_are_there_at_once():
    assert FIRST.share_at(0) == 1.0
