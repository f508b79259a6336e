"""Regularizers of the discriminator's outputs within a step: LeCam, and consistency under random changes."""

import dataclasses

import numpy as np
import pytest
from keras import ops
from pydantic import ValidationError

from ganlab.config.schema import Form
from ganlab.errors import ConfigError
from ganlab.models.building import build_models
from ganlab.objectives import build_objective
from ganlab.training.draws import Draws
from tests.training.tiny import BACKEND, build, tiny_config

STILL = {"SGD": {"learning_rate": 0.0}}
PICTURES = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
NETWORKS = {
    "generator": [{"Dense": {"units": 16, "activation": "tanh"}}, {"Reshape": {"target_shape": [4, 4, 1]}}],
    "discriminator": ["Flatten", {"Dense": {"units": 1, "kernel_initializer": {"RandomNormal": {"stddev": 1.0}}}}],
}


def config_of(**more):
    return tiny_config(**{"optimizer": STILL, "loss": "hinge", **NETWORKS, **more})


def logits(tiny, images) -> np.ndarray:
    return ops.convert_to_numpy(tiny.models.networks["discriminator"](images)).astype(np.float64)


def batches(tiny, step: int) -> tuple[np.ndarray, np.ndarray]:
    """The real and the generated images of a step."""
    taken = {name: value[0] for name, value in tiny.draws.take(step, 1).items()}
    real = (PICTURES[taken["real_0"]] / 127.5 - 1).astype(np.float32)
    return real, ops.convert_to_numpy(tiny.models.networks["generator"](taken["latents_fake_0"]))


def test_lecam_follows_the_averages_of_the_outputs():
    tiny = build(config_of(lecam={"weight": 0.3, "decay": 0.05}), images=PICTURES)
    rows = tiny.train(3)
    averages = np.zeros(2)
    for step, found in enumerate(tiny.column(rows, "lecam")):
        real, fake = (logits(tiny, images) for images in batches(tiny, step))
        decay = min(0.05, step / (10 + step))
        averages = decay * averages + (1 - decay) * np.array([real.mean(), fake.mean()])
        expected = 0.3 * (((real - averages[1]) ** 2).mean() + ((fake - averages[0]) ** 2).mean())
        assert found == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose([float(v.numpy()) for v in tiny.objective.state["lecam"]], averages, rtol=1e-5)


class Mirror:
    """Exchanges left and right of every image, instead of a random half of them."""

    variables = ()

    def __call__(self, images, training):
        assert training
        return ops.flip(images, axis=2)


@pytest.mark.parametrize(("weight", "fake_weight"), [(0.9, 0.0), (10.0, 5.0), (0.0, 0.9)])
@pytest.mark.parametrize("way", ["separate", "joint"])
def test_consistency_compares_each_image_with_its_changed_copy(weight, fake_weight, way):
    options = {"weight": weight, "fake_weight": fake_weight}
    config = config_of(consistency=options, train={"discriminator_batches": way})
    tiny = build(config, images=PICTURES)
    models = dataclasses.replace(tiny.models, augmentation=Mirror())
    objective = build_objective(config, models, BACKEND.input_gradient)
    steps = BACKEND.Steps(objective, {"images": PICTURES}, (-1.0, 1.0), BACKEND.JIT[0])
    row = dict(zip(objective.column_names, steps.run(tiny.draws.take(0, 1), 0, 8)[0], strict=True))
    differences = [((logits(tiny, x) - logits(tiny, x[:, :, ::-1])) ** 2).mean() for x in batches(tiny, 0)]
    expected = weight * differences[0] + fake_weight * differences[1]
    assert row["consistency"] == pytest.approx(expected, rel=1e-5) and expected > 0.1
    more = (weight > 0) + (fake_weight > 0)
    assert [update.samples for update in objective.updates] == [(2 + more) * 4, 4]


def test_consistency_makes_outputs_for_changed_copies_more_alike():
    config = config_of(optimizer={"SGD": {"learning_rate": 0.01}}, consistency={"weight": 5.0})
    tiny = build(config, images=PICTURES)
    values = tiny.column(tiny.train(60), "consistency")
    assert values[-10:].mean() < 0.5 * values[:10].mean()


def test_the_random_state_of_the_changes_is_part_of_the_state():
    config = config_of(consistency={"weight": 1.0})
    tiny = build(config, images=PICTURES)
    before = {name: array for name, array in tiny.snapshot().items() if name.startswith("state/consistency")}
    tiny.train(1)
    assert len(before) == 1
    assert all(not np.array_equal(tiny.snapshot()[name], array) for name, array in before.items())


def test_changes_of_data_without_images_are_one_line():
    with pytest.raises(ConfigError, match=r"^tiny: consistency: changes images, and digits has none$"):
        build_models(tiny_config(consistency={"weight": 1.0}), Form((8,)))
    with pytest.raises(ConfigError, match=r"^tiny: adaptive: changes images, and digits has none$"):
        build_models(tiny_config(adaptive={"method": "ada"}), Form((8,)))


def near_images(tiny, step: int, batch: str, deviation: float) -> np.ndarray:
    """Images of the latents that were moved a little."""
    taken = {name: value[0] for name, value in tiny.draws.take(step, 1).items()}
    latents = taken[f"latents_{batch}"] + np.float32(deviation) * taken[f"moved_{batch}"]
    return ops.convert_to_numpy(tiny.models.networks["generator"](latents))


@pytest.mark.parametrize("way", ["separate", "joint"])
def test_latent_consistency_compares_images_of_near_latents(way):
    options = {"weight": 5.0, "generator_weight": 0.5, "deviation": 0.3}
    plain = build(config_of(train={"discriminator_batches": way}), images=PICTURES)
    tiny = build(config_of(latent_consistency=options, train={"discriminator_batches": way}), images=PICTURES)
    row = dict(zip(tiny.objective.column_names, tiny.train(1)[0], strict=True))
    without = dict(zip(plain.objective.column_names, plain.train(1)[0], strict=True))
    fake = batches(tiny, 0)[1]
    near = near_images(tiny, 0, "fake_0", 0.3)
    expected = 5.0 * ((logits(tiny, fake) - logits(tiny, near)) ** 2).mean()
    assert row["latent_consistency"] == pytest.approx(expected, rel=1e-4) and expected > 0.01
    taken = {name: value[0] for name, value in tiny.draws.take(0, 1).items()}
    images = ops.convert_to_numpy(tiny.models.networks["generator"](taken["latents_generator_fake_0"]))
    distance = ((images - near_images(tiny, 0, "generator_fake_0", 0.3)) ** 2).mean()
    assert row["latent_distance"] == pytest.approx(distance, rel=1e-4) and distance > 1e-3
    assert row["g_loss"] == pytest.approx(without["g_loss"] - 0.5 * distance, rel=1e-4)
    assert row["d_loss"] == pytest.approx(without["d_loss"], rel=1e-5)  # logged without its regularizers
    assert [update.samples for update in tiny.objective.updates] == [3 * 4, 4]


def test_generators_draw_images_of_near_latents_apart():
    """The gradient flows through both images, also where the update goes back through the discriminator's batch."""
    for shared in (False, True):
        options = {"generator_weight": 100.0, "deviation": 0.3}
        config = config_of(
            optimizer={"SGD": {"learning_rate": 0.02}}, latent_consistency=options, train={"share_latents": shared}
        )
        tiny = build(config, images=PICTURES)
        values = tiny.column(tiny.train(100), "latent_distance")
        assert values[-30:].mean() > 1.5 * values[:30].mean()
        assert "latent_consistency" not in tiny.objective.column_names


def test_both_images_of_near_latents_give_the_generator_a_gradient():
    """A linear generator: its slope follows from both images, and from one alone it would be another."""
    linear = [{"Dense": {"units": 16, "use_bias": False}}, {"Reshape": {"target_shape": [4, 4, 1]}}]
    config = config_of(
        optimizer={"SGD": {"learning_rate": 1.0}},
        generator=linear,
        latent_consistency={"generator_weight": 1.0, "deviation": 0.3},
        discriminator=["Flatten", {"Dense": {"units": 1, "kernel_initializer": "zeros"}}],
        loss="wasserstein",
    )
    config = config.model_copy(update={"discriminator": config.discriminator.model_copy(update={"optimizer": STILL})})
    tiny = build(config, images=PICTURES)
    (before,) = tiny.weights("generator")
    moved = 0.3 * tiny.draws.take(0, 1)["moved_generator_fake_0"][0].astype(np.float64)
    tiny.train(1)
    (after,) = tiny.weights("generator")
    slope = 2 * moved.T @ (moved @ before) / (len(moved) * 16)  # of the mean of (moved @ kernel)^2
    np.testing.assert_allclose(after - before, slope, rtol=1e-3, atol=1e-6)


ADA = {"method": "ada", "target": 0.0, "images": 16, "interval": 2}


@pytest.mark.parametrize("way", ["separate", "joint"])
def test_ada_changes_all_images_that_the_discriminator_sees_at_probability_one(way):
    config = config_of(adaptive=ADA | {"interval": 1000}, train={"discriminator_batches": way, "share_latents": True})
    tiny = build(config, images=PICTURES)
    tiny.models.adaptive.probability.assign(1.0)
    seen = []

    class Whole(Mirror):
        def __call__(self, images, training, probability):
            seen.append(probability)
            return super().__call__(images, training)

    tiny.models.adaptive.augmentation = Whole()
    objective = build_objective(config, tiny.models, BACKEND.input_gradient)
    steps = BACKEND.Steps(objective, {"images": PICTURES}, (-1.0, 1.0), BACKEND.JIT[0])
    row = dict(zip(objective.column_names, steps.run(tiny.draws.take(0, 1), 0, 8)[0], strict=True))
    real, fake = (logits(tiny, images[:, :, ::-1]) for images in batches(tiny, 0))
    assert row["d_real"] == pytest.approx(real.mean(), rel=1e-5) and row["adaptive_probability"] == 1.0
    assert row["g_loss"] == pytest.approx(-fake.mean(), rel=1e-5)
    assert len(seen) >= (2 if way == "joint" else 3)


def test_at_probability_zero_ada_changes_nothing():
    rows = []
    for options in ({"method": "none"}, ADA | {"interval": 1000}):
        tiny = build(config_of(adaptive=options), images=PICTURES)
        row = tiny.train(1)
        rows.append([tiny.column(row, name)[0] for name in ("d_loss", "g_loss")])
    np.testing.assert_allclose(*rows, rtol=1e-6)


@pytest.mark.parametrize(("probability", "from_real"), [(0.0, True), (1.0, False)])
def test_apa_puts_generated_images_in_the_place_of_real_ones(probability, from_real):
    tiny = build(config_of(adaptive=ADA | {"method": "apa", "interval": 1000}), images=PICTURES)
    tiny.models.adaptive.probability.assign(probability)
    row = tiny.train(1)
    real, fake = (logits(tiny, images).mean() for images in batches(tiny, 0))
    assert tiny.column(row, "d_real")[0] == pytest.approx(real if from_real else fake, rel=1e-5)
    assert tiny.column(row, "d_fake")[0] == pytest.approx(fake, rel=1e-5)


CURVED = ["Flatten", {"Dense": {"units": 6, "activation": "tanh"}}, {"Dense": {"units": 1}}]


class Always(Mirror):
    """ADA's random changes, all of them made."""

    def __call__(self, images, training, probability):
        return super().__call__(images, training)


def row_with_mirrors(**more) -> tuple:
    """(the networks and draws, the history's row of the first step) where ADA mirrors every image."""
    config = config_of(adaptive=ADA | {"interval": 1000}, discriminator=CURVED, **more)
    tiny = build(config, images=PICTURES)
    tiny.models.adaptive.augmentation = Always()
    models = dataclasses.replace(tiny.models, augmentation=tiny.models.augmentation and Mirror())
    objective = build_objective(config, models, BACKEND.input_gradient)
    steps = BACKEND.Steps(objective, {"images": PICTURES}, (-1.0, 1.0), BACKEND.JIT[0])
    return tiny, dict(zip(objective.column_names, steps.run(tiny.draws.take(0, 1), 0, 8)[0], strict=True))


def test_with_ada_a_penalty_is_of_the_discriminator_behind_the_changes():
    tiny, row = row_with_mirrors(penalty={"r1": {"weight": 2.0}})
    critic = tiny.models.networks["discriminator"]
    slopes = [
        (ops.convert_to_numpy(BACKEND.input_gradient(critic, ops.convert_to_tensor(images))) ** 2).sum((1, 2, 3)).mean()
        for images in (batches(tiny, 0)[0][:, :, ::-1].copy(), batches(tiny, 0)[0])
    ]
    assert row["penalty"] == pytest.approx(slopes[0], rel=1e-4) and slopes[0] != pytest.approx(slopes[1], rel=1e-2)


@pytest.mark.parametrize("way", ["separate", "joint"])
def test_with_ada_consistency_changes_what_the_discriminator_saw(way):
    tiny, row = row_with_mirrors(consistency={"weight": 1.0}, train={"discriminator_batches": way})
    real, _ = batches(tiny, 0)
    expected = ((logits(tiny, real[:, :, ::-1]) - logits(tiny, real)) ** 2).mean()
    assert row["consistency"] == pytest.approx(expected, rel=1e-4) and expected > 1e-3


def test_ada_and_latent_consistency_are_no_pair():
    with pytest.raises(ValidationError, match=r"expected 0 with 'adaptive: \{method: ada\}'"):
        config_of(adaptive=ADA, latent_consistency={"weight": 1.0})


IMAGE = [{"Dense": {"units": 16, "activation": "tanh"}}, {"Reshape": {"target_shape": [4, 4, 1]}}]
WITH_LABELS = {
    "labels": "conditional",
    "generator": [{"merge": "Concatenate", "branches": {"latents": [], "class": ["Labels"]}}, *IMAGE],
    "discriminator": [
        "Flatten",
        {"merge": "Concatenate", "branches": {"image": [], "class": ["Labels"]}},
        *CURVED[1:],
    ],
}


@pytest.mark.parametrize("way", ["separate", "joint"])
def test_images_in_the_place_of_real_ones_bring_their_labels(way):
    config = config_of(
        adaptive=ADA | {"method": "apa", "interval": 1000}, train={"discriminator_batches": way}, **WITH_LABELS
    )
    tiny = build(config, images=PICTURES, labels=np.arange(20, dtype=np.int32) % 3)
    tiny.models.adaptive.probability.assign(1.0)
    row = dict(zip(tiny.objective.column_names, tiny.train(1)[0], strict=True))
    assert row["d_real"] == pytest.approx(row["d_fake"], rel=1e-5)


@pytest.mark.parametrize("shared", [False, True])
def test_the_generator_learns_from_the_real_batch_as_it_was(shared):
    config = config_of(
        adaptive=ADA | {"method": "apa", "interval": 1000},
        loss={"feature_matching": {"layer": "hidden"}},
        discriminator=["Flatten", {"Dense": {"units": 6, "name": "hidden"}}, {"Dense": {"units": 1}}],
        train={"share_latents": shared},
    )
    tiny = build(config, images=PICTURES)
    tiny.models.adaptive.probability.assign(1.0)
    assert tiny.column(tiny.train(1), "g_loss")[0] > 0.01


def test_apa_with_labels_of_real_images_alone_is_one_line():
    config = config_of(
        adaptive=ADA | {"method": "apa"}, labels="semi_supervised", discriminator=["Flatten", {"Dense": {"units": 4}}]
    )
    with pytest.raises(ConfigError, match=r"adaptive\.method: expected none or ada: .* have no labels here$"):
        build_objective(config, build_models(config, Form((4, 4, 1), 3)), BACKEND.input_gradient)


def test_the_same_numbers_are_drawn_with_and_without_regularizers():
    drawn = []
    for more in ({}, {"lecam": {"weight": 1.0}, "consistency": {"weight": 1.0}}):
        config = config_of(**more)
        objective = build_objective(config, build_models(config, Form((4, 4, 1))), BACKEND.input_gradient)
        drawn.append(Draws(objective.draws, 0, 20).take(0, 2))
    assert drawn[0].keys() == drawn[1].keys()
    for name, numbers in drawn[0].items():
        np.testing.assert_array_equal(numbers, drawn[1][name])
