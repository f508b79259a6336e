"""What is drawn for the batches of a step, and the stages that generate images."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from ganlab.config.schema import Form
from ganlab.config.steps import Stretch
from ganlab.models.building import Models
from ganlab.objectives.batches import Batches
from ganlab.training.losses import LOSSES
from ganlab.training.stages import Compute, Draw, Pass
from tests.objectives.test_inputs import network
from tests.training.tiny import tiny_config

BOTH = ("images", "labels")


def batches_of(generator=("input",), discriminator=("input",), balancing=None, **config) -> Batches:
    """Of a config of batches of four samples, for data with five classes."""
    networks = {"generator": network(*generator), "discriminator": network(*discriminator)}
    models = Models(networks, {}, {}, Form((3,), 5), Stretch(None, 0, 10))
    return Batches(tiny_config(**config), dataclasses.replace(models, balancing=balancing))


def stage_values(stages, values: dict) -> dict:
    """The values after the computing stages before the pass, with the pass's inputs."""
    for stage in stages:
        if isinstance(stage, Pass):
            return values | {"inputs": stage.inputs(values)}
        values = values | stage.function(values)
    raise AssertionError("no pass")


class TestRealImages:
    @pytest.mark.parametrize(
        ("networks", "config", "arrays"),
        [
            ({}, {}, ("images",)),
            ({"generator": ("input", "labels")}, {"labels": "conditional"}, BOTH),
            ({"discriminator": ("input", "labels")}, {"labels": "conditional"}, BOTH),
            ({}, {"labels": "semi_supervised"}, BOTH),
            ({}, {"labels": "semi_supervised", "data": {"name": "digits", "labelled": 8}}, ("images",)),
        ],
    )
    def test_come_with_labels_if_the_step_reads_them(self, networks, config, arrays):
        batches = batches_of(**networks, **config)
        assert batches.real("real_3", 6) == "real_3"
        assert batches.draws == {"real_3": Draw("rows", (6,), arrays=arrays)}

    def test_come_with_labels_if_the_loss_reads_them(self, monkeypatch):
        monkeypatch.setitem(LOSSES, "hinge", dataclasses.replace(LOSSES["hinge"], reads_labels=True))
        batches = batches_of(loss="hinge")
        batches.real("real_0", 4)
        assert batches.draws["real_0"].arrays == BOTH

    def test_of_the_labelled_part_are_a_batch_of_their_own(self):
        batches = batches_of(labels="semi_supervised", data={"name": "digits", "labelled": 8})
        assert batches.labelled(2, "real_2") == "labelled_2"
        assert batches.draws == {"labelled_2": Draw("rows", (4,), source="labelled", arrays=BOTH)}

    @pytest.mark.parametrize("config", [{}, {"labels": "semi_supervised"}])
    def test_are_the_labelled_batch_where_all_data_have_labels_or_none_is_needed(self, config):
        batches = batches_of(**config)
        assert batches.labelled(2, "real_2") == "real_2" and batches.draws == {}


class TestTargets:
    LOSS = {"non_saturating": {"real_label": [0.7, 0.9], "fake_label": 0.1, "flip_labels": 0.25}}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("side", "own", "other"), [("real", (0.7, 0.9), (0.1, 0.1)), ("fake", (0.1, 0.1), (0.7, 0.9))]
    )
    def test_of_a_side_lie_in_its_range_and_a_share_in_the_other_sides(self, side, own, other):
        batches = batches_of(loss=self.LOSS)
        name = batches.targets(1, side)
        assert name == f"{side}_labels_1"
        assert batches.draws == {name: Draw("targets", (4, 1), own[0], own[1], 0.25, other)}

    def test_are_none_for_a_loss_without_targets(self):
        batches = batches_of(loss="wasserstein")
        assert batches.targets(0, "real") is None and batches.draws == {}


class TestGeneratedImages:
    LATENTS = np.arange(18, dtype=np.float32).reshape(6, 3)

    def test_come_from_latents_alone(self):
        batches = batches_of()
        stages = batches.generated("fake_0", 6)
        assert batches.draws == {"latents_fake_0": Draw("normal", (6, 3), low=0.0)}
        (only,) = stages
        assert (only.name, only.network, only.samples) == ("fake_0", "generator", 6)
        assert stage_values(stages, {"latents_fake_0": self.LATENTS})["inputs"] is self.LATENTS

    def test_come_from_latents_and_then_codes(self):
        batches = batches_of(latent={"dim": 3, "categorical": [2], "continuous": 1})
        stages = batches.generated("fake_0", 6)
        assert batches.draws["codes_fake_0"] == Draw("codes", (6, 3), categorical=(2,))
        codes = -self.LATENTS
        found = stage_values(stages, {"latents_fake_0": self.LATENTS, "codes_fake_0": codes})["inputs"]
        np.testing.assert_array_equal(found, np.concatenate([self.LATENTS, codes], axis=1))

    @pytest.mark.parametrize("taker", ["generator", "discriminator"])
    def test_have_drawn_labels_if_a_network_takes_labels(self, taker):
        batches = batches_of(**{taker: ("input", "labels")}, labels="conditional")
        stages = batches.generated("fake_0", 6)
        assert batches.draws["classes_fake_0"] == Draw("integers", (6,), high=5)
        assert [type(stage) for stage in stages] == [Compute, Pass]
        labels = np.array([0, 4, 2, 2, 1, 3], np.int32)
        values = stage_values(stages, {"latents_fake_0": self.LATENTS, "classes_fake_0": labels})
        assert values["fake_0.drawn"] is values["fake_0.labels"] is labels
        if taker == "generator":
            np.testing.assert_array_equal(values["inputs"]["labels"], np.eye(5, dtype=np.float32)[labels])
        else:
            assert values["inputs"] is self.LATENTS

    def test_have_the_nearest_labels_with_balancing_which_draws_rare_ones_more_often(self):
        balancing = SimpleNamespace(drawn=lambda numbers: f"drawn by {numbers}", nearest=lambda fake: f"near {fake}")
        batches = batches_of(balancing=balancing, labels="balanced", generator=("input", "labels"))
        stages = batches.generated("fake_0", 6)
        assert batches.draws["classes_fake_0"] == Draw("uniform", (6,))
        before, middle, after = stages
        assert before.function({"classes_fake_0": "numbers"}) == {"fake_0.drawn": "drawn by numbers"}
        assert isinstance(middle, Pass)
        assert after.function({"fake_0": "images"}) == {"fake_0.labels": "near images"}
