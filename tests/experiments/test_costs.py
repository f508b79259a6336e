"""Studies that compare trainings of one cost: the steps of their configs cost the same number of operations."""

from pathlib import Path

import keras
import pytest

from ganlab.config.loading import load_config
from ganlab.config.schema import Form
from ganlab.config.steps import stretches
from ganlab.models.building import build_models
from ganlab.models.flops import step_flops
from ganlab.objectives import build_objective

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
PARENTS = ("minimax", "non_saturating", "least_squares")


@pytest.fixture(autouse=True)
def forgotten():
    yield
    keras.utils.clear_session()  # Keras keeps a list of the weights that it would still draw


def operations(path: Path, form: Form) -> list[int]:
    """Operations of each phase of a config, whose networks are built for their sizes; `form` is the form of the last phase."""
    config, found = load_config(path), []
    for stretch in stretches(config, config.train.steps):
        size = stretch.data(config).image_size or form.shape[0]
        models = build_models(config, Form((size, size, form.shape[2])), stretch)
        found.append(step_flops(build_objective(config, models)) * (stretch.end - stretch.start))
    return found


@pytest.mark.parametrize(("folder", "end", "shape"), [("mnist", "", (28, 28, 1)), ("faces", "_faces", (40, 40, 3))])
def test_a_network_that_grows_costs_as_much_as_one_that_is_trained_at_once(folder, end, shape):
    grown, whole = (EXPERIMENTS / "growing" / folder / f"{name}{end}.yaml" for name in ("growing", "at_once"))
    phases, last = operations(grown, Form(shape)), operations(whole, Form(shape))
    assert len(phases) == 3 and phases[0] < phases[1] < phases[2]
    assert sum(last) == pytest.approx(sum(phases), rel=0.002)
    networks = [load_config(path).networks for path in (grown, whole)]
    assert len({str([network.structure() for network in found.values()]) for found in networks}) == 1


@pytest.mark.parametrize("parent", PARENTS)
def test_an_evolutionary_gan_costs_as_much_as_each_of_its_parents(parent):
    costs = [
        operations(EXPERIMENTS / "evolutionary" / f"{name}.yaml", Form((28, 28, 1)))
        for name in ("evolutionary", parent)
    ]
    assert costs[0] == pytest.approx(costs[1], rel=0.002)
    assert load_config(EXPERIMENTS / "evolutionary" / f"{parent}.yaml").loss.name == parent
