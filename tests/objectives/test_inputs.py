import keras
import numpy as np
import pytest
from keras import ops

from ganlab.config.schema import Form
from ganlab.config.steps import Stretch
from ganlab.models.building import Models
from ganlab.models.network import Network
from ganlab.objectives import build_objective
from ganlab.objectives.inputs import fading, inputs_of, latents_draw
from tests.training.tiny import tiny_config

SAMPLES = np.arange(12, dtype=np.float32).reshape(4, 3)


def network(*inputs: str) -> Network:
    """One that takes these, as numbers of width 1 beside its `input` of width 3."""
    tensors = [keras.Input((3 if name == "input" else 1,), name=name) for name in inputs]
    return Network("generator", inputs, (), keras.Model(tensors, sum(tensors[1:], tensors[0])))


def models(stretch: Stretch, *inputs: str) -> Models:
    return Models({"generator": network(*inputs)}, {}, {}, Form((3,)), stretch)


def test_a_network_that_takes_samples_alone_gets_them_alone():
    samples = ops.convert_to_tensor(SAMPLES)
    assert inputs_of(network("input"), {"step": 1.0}, samples, "labels") is samples


def test_others_get_what_they_take_a_row_for_each_sample():
    values = {"step": ops.convert_to_tensor(7.0), "fade": ops.convert_to_tensor(0.25)}
    taken = inputs_of(network("input", "step", "fade"), values, ops.convert_to_tensor(SAMPLES))
    assert taken.keys() == {"input", "step", "fade"}
    np.testing.assert_array_equal(ops.convert_to_numpy(taken["step"]), np.full((4, 1), 7.0))
    np.testing.assert_array_equal(ops.convert_to_numpy(taken["fade"]), np.full((4, 1), 0.25))
    labels = ops.one_hot(ops.convert_to_tensor(np.array([2, 0, 1, 2], np.int32)), 3, dtype="float32")
    taken = inputs_of(network("input", "labels"), values, ops.convert_to_tensor(SAMPLES), labels)
    assert taken.keys() == {"input", "labels"}
    np.testing.assert_array_equal(ops.convert_to_numpy(taken["labels"]), np.eye(3, dtype=np.float32)[[2, 0, 1, 2]])


@pytest.mark.parametrize("stretch", [Stretch(2, 100, 200, 50), Stretch(1, 0, 100), Stretch(None, 0, 100)])
def test_the_share_of_new_layers_in_a_step_is_that_of_its_phase(stretch):
    (stage,) = fading(models(stretch, "input", "fade"))
    for step in (stretch.start, stretch.start + 1, stretch.start + 25, stretch.start + 50, stretch.end):
        share = stage.function({"step": ops.convert_to_tensor(float(step))})["fade"]
        assert float(share) == pytest.approx(stretch.share_at(step), abs=1e-6)


def test_it_is_computed_only_where_a_network_takes_it():
    assert fading(models(Stretch(2, 100, 200, 50), "input", "step")) == ()


@pytest.mark.parametrize("objective", ["gan", {"vae": {}}])
def test_a_step_computes_it_before_everything_else(objective):
    config = tiny_config(objective)
    networks = {name: network("input", *["fade"] * (name == "generator")) for name in config.NETWORKS}
    built = Models(networks, {}, {}, Form((3,)), Stretch(2, 100, 200, 50))
    first, *_ = build_objective(config, built, None).stages
    assert float(first.function({"step": ops.convert_to_tensor(125.0)})["fade"]) == 0.5


@pytest.mark.parametrize(("distribution", "low"), [("normal", 0.0), ("uniform", -1.0)])
def test_latents_are_drawn_as_the_config_says(distribution, low):
    draw = latents_draw(tiny_config(latent={"dim": 2, "distribution": distribution}), 6)
    assert (draw.kind, draw.shape, draw.low, draw.high) == (distribution, (6, 2), low, 1.0)
