from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.config.schema import Form
from ganlab.config.steps import Stretch
from ganlab.errors import ConfigError
from ganlab.models.building import Models
from ganlab.objectives.class_terms import ClassTerm
from ganlab.objectives.code_terms import CodeTerm
from ganlab.objectives.gan import Gan, clip_weights
from ganlab.training.stages import Draw, Objective, Pass, Together, Update
from tests.objectives.test_inputs import network
from tests.training.tiny import SGD, build, tiny_config, with_stages

LINEAR = [{"Dense": {"units": 1, "use_bias": False}}]
NORMALIZED = [*LINEAR, {"BatchNormalization": {"momentum": 0.5}}, {"Dropout": {"rate": 0.0}}, *LINEAR]


def stages(**train) -> list[str]:
    """The stages of a step in words: passes by their names, updates by their networks."""

    def words(stage) -> str:
        if isinstance(stage, Together):
            return " together with ".join(map(words, stage.updates))
        return stage.name if isinstance(stage, Pass) else f"update {' and '.join(stage.networks)}"

    return [words(stage) for stage in build(tiny_config(train=train)).objective.stages]


def gan_of(*inputs: str, **config) -> Gan:
    """The parts of a GAN whose generator takes these inputs; its stages are not made."""
    networks = {"generator": network("input", *inputs), "discriminator": network("input")}
    return Gan(tiny_config(**config), Models(networks, {}, {}, Form((3,), 3), Stretch(None, 0, 9)), None)


@pytest.mark.parametrize("labels", ["auxiliary", "balanced"])
def test_classes_need_a_generator_that_takes_labels(labels):
    gan_of("labels", labels=labels)
    with pytest.raises(ConfigError, match=f"labels: '{labels}' needs a layer of the generator that takes labels"):
        gan_of(labels=labels)


@pytest.mark.parametrize(
    ("config", "terms"),
    [
        ({}, []),
        ({"labels": "semi_supervised"}, [ClassTerm]),
        ({"latent": {"dim": 3, "continuous": 1}}, [CodeTerm]),
        ({"latent": {"dim": 3, "continuous": 1}, "labels": "semi_supervised"}, [ClassTerm, CodeTerm]),
    ],
)
def test_classes_and_codes_are_further_terms_of_both_losses(config, terms):
    assert [type(term) for term in gan_of(**config).terms] == terms


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ({}, "fake_0, update discriminator, generator_fake_0, update generator"),
        ({"share_latents": True}, "fake_0, update discriminator, update generator"),
        (
            {"discriminator_batches": "alternate", "share_latents": True},
            "update discriminator, fake_0, update discriminator, update generator",
        ),
        (
            {"discriminator_steps": 2, "share_latents": True},
            "fake_0, update discriminator, fake_1, update discriminator, update generator",
        ),
        (
            {"generator_steps": 2},
            "fake_0, update discriminator, generator_fake_0, update generator, generator_fake_1, update generator",
        ),
        ({"simultaneous": True}, "fake_0, update discriminator together with update generator"),
    ],
)
def test_the_stages_of_a_step(train, expected):
    assert ", ".join(stages(**train)) == expected


def test_with_shared_latents_the_generator_learns_from_the_last_generated_batch():
    objective = build(tiny_config(train={"discriminator_steps": 3, "share_latents": True})).objective
    assert objective.stages[-1].through == "fake_2"


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ({}, [8, 4]),
        ({"discriminator_batches": "joint"}, [8, 4]),
        ({"discriminator_batches": "alternate"}, [4, 4, 4]),
        ({"discriminator_steps": 2, "generator_steps": 2, "generator_batch_size": 6}, [8, 8, 6, 6]),
    ],
)
def test_an_update_counts_the_samples_that_its_loss_sends_through_the_networks(train, expected):
    assert [update.samples for update in build(tiny_config(train=train)).objective.updates] == expected


def test_the_generators_batch_may_have_a_size_of_its_own():
    objective = build(tiny_config(train={"generator_batch_size": 6})).objective
    assert objective.draws["latents_generator_fake_0"].shape == (6, 3)
    assert objective.draws["latents_fake_0"].shape == (4, 3)


def test_latents_are_drawn_as_the_config_says():
    uniform = build(tiny_config(latent={"dim": 2, "distribution": "uniform"})).objective.draws["latents_fake_0"]
    assert (uniform.kind, uniform.shape, uniform.low, uniform.high) == ("uniform", (4, 2), -1.0, 1.0)
    assert build(tiny_config()).objective.draws["latents_fake_0"].kind == "normal"


def test_wgan_gp_mixes_with_one_uniform_number_a_sample_and_dragan_with_one_a_value():
    draws = build(tiny_config(loss="wasserstein", penalty={"wgan_gp": {}, "dragan": {}})).objective.draws
    for name, shape in (("mixing_sample_0", (4, 1)), ("mixing_value_0", (4, 8))):
        assert (draws[name].kind, draws[name].shape, draws[name].low, draws[name].high) == ("uniform", shape, 0.0, 1.0)


COLUMNS = "d_loss, g_loss, d_real, d_fake, d_generator"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"loss": "wasserstein"}, COLUMNS),
        ({"loss": "relativistic"}, COLUMNS),
        ({"loss": "hinge"}, f"{COLUMNS}, d_accuracy_real, d_accuracy_fake"),
        ({"penalty": {"r1": {}}}, f"{COLUMNS}, d_accuracy_real, d_accuracy_fake, penalty"),
        ({"train": {"discriminator_batches": "alternate"}}, f"{COLUMNS}, d_accuracy_real, d_accuracy_fake"),
    ],
)
def test_the_columns_of_the_history(changes, expected):
    assert ", ".join(build(tiny_config(**changes)).objective.column_names) == expected


def test_only_the_penalty_may_be_blank():
    columns = build(tiny_config(penalty={"r1": {"every": 2}})).objective.columns
    assert [column.name for column in columns if column.optional] == ["penalty"]


class TestTargets:
    @pytest.mark.parametrize("batches", ["separate", "joint"])
    def test_the_loss_uses_the_targets_that_were_drawn(self, batches):
        loss = {"non_saturating": {"real_label": [0.7, 1.0], "fake_label": 0.1, "flip_labels": 0.5}}
        tiny = build(tiny_config(loss=loss, train={"discriminator_batches": batches}))
        discriminator = tiny.models.networks["discriminator"]
        draws = tiny.draws.take(0, 1)
        real = tiny.steps.arrays["images"][draws["real_0"][0]] / np.float32(127.5) - 1
        fake = tiny.models.networks["generator"](draws["latents_fake_0"][0])
        total = 0.0
        for side, images in (("real", real), ("fake", fake)):
            probability = 1 / (1 + np.exp(-ops.convert_to_numpy(discriminator(images)).astype(np.float64)))
            target = draws[f"{side}_labels_0"][0]
            total -= np.mean(target * np.log(probability) + (1 - target) * np.log(1 - probability))
        assert tiny.column(tiny.train(1), "d_loss")[0] == pytest.approx(total, rel=1e-5)

    def test_flipped_targets_are_those_of_the_other_side(self):
        loss = {"least_squares": {"real_label": [0.8, 1.0], "fake_label": [0.0, 0.1], "flip_labels": 1.0}}
        draws = build(tiny_config(loss=loss)).draws.take(0, 50)
        assert draws["real_labels_0"].max() <= 0.1 and draws["fake_labels_0"].min() >= 0.8

    def test_losses_without_targets_draw_none(self):
        for name in ("wasserstein", "hinge", "relativistic"):
            kinds = {draw.kind for draw in build(tiny_config(loss=name)).objective.draws.values()}
            assert kinds == {"rows", "normal"}


class TestLogs:
    @pytest.fixture(scope="class")
    def alternate(self):
        """A discriminator that stands still, so that its outputs can be computed again."""
        still = {"SGD": {"learning_rate": 0.0}}
        tiny = build(tiny_config(optimizer=still, train={"discriminator_batches": "alternate"}))
        draws = tiny.draws.take(0, 1)
        real = tiny.steps.arrays["images"][draws["real_0"][0]] / np.float32(127.5) - 1
        fake = tiny.models.networks["generator"](draws["latents_fake_0"][0])
        logits = [
            ops.convert_to_numpy(tiny.models.networks["discriminator"](images)).astype(np.float64)
            for images in (real, fake)
        ]
        return dict(zip(tiny.objective.column_names, tiny.train(1)[0], strict=True)), *logits

    def test_d_loss_of_alternate_batches_is_the_sum_of_its_two_parts(self, alternate):
        row, real, fake = alternate
        expected = np.mean(np.log1p(np.exp(-real))) + np.mean(np.log1p(np.exp(fake)))
        assert row["d_loss"] == pytest.approx(expected, rel=1e-5)

    def test_d_real_and_d_fake_are_mean_probabilities(self, alternate):
        row, real, fake = alternate
        assert row["d_real"] == pytest.approx(np.mean(1 / (1 + np.exp(-real))), rel=1e-5)
        assert row["d_fake"] == pytest.approx(np.mean(1 / (1 + np.exp(-fake))), rel=1e-5)

    def test_d_generator_is_the_mean_probability_of_the_images_of_the_generators_update(self):
        tiny = build(tiny_config(train={"share_latents": True}))
        before = tiny.train(1)[0]
        draws, networks = tiny.draws.take(0, 1), build(tiny_config(train={"share_latents": True})).models.networks
        made = networks["generator"].predict(draws["latents_fake_0"][0])
        first = networks["discriminator"].predict(made)
        second = tiny.models.networks["discriminator"].predict(made)  # after the discriminator has moved
        mean = lambda logits: np.mean(1 / (1 + np.exp(-logits.astype(np.float64))))  # noqa: E731
        row = dict(zip(tiny.objective.column_names, before, strict=True))
        assert row["d_fake"] == pytest.approx(mean(first), rel=1e-5)
        assert row["d_generator"] == pytest.approx(mean(second), rel=1e-5)
        assert mean(first) != pytest.approx(mean(second), rel=1e-3)

    def test_accuracies_are_shares_of_right_answers(self, alternate):
        row, real, fake = alternate
        assert (row["d_accuracy_real"], row["d_accuracy_fake"]) == (np.mean(real > 0), np.mean(fake <= 0))


def only_discriminator(objective: Objective) -> Objective:
    """Leaves the discriminator's updates of a step."""
    kept = [stage for stage in objective.stages if not (isinstance(stage, Update) and "generator" in stage.networks)]
    return with_stages(objective, tuple(kept))


class TestPenaltyInTheStep:
    WEIGHT = 2.0

    def critic(self, **penalty):
        config = tiny_config(
            discriminator=LINEAR,
            optimizer=SGD,
            loss="wasserstein",
            penalty={"r1": {"weight": self.WEIGHT, **penalty}} if penalty else None,
        )
        return build(config, change=only_discriminator)

    def test_the_column_is_the_weighted_penalty_and_blank_where_it_was_not_measured(self):
        tiny = self.critic(every=3)
        squares = []
        for _ in range(7):
            squares.append(np.sum(tiny.weights("discriminator")[0] ** 2))
            row = tiny.train(1)
            penalty = tiny.column(row, "penalty")[0]
            if (tiny.done - 1) % 3 == 0:
                assert penalty == pytest.approx(self.WEIGHT * squares[-1] / 2, rel=1e-5)
            else:
                assert np.isnan(penalty)

    def test_a_lazy_penalty_acts_every_third_step_with_three_times_the_weight(self):
        lazy, without = self.critic(every=3), self.critic()
        for step in range(5):
            kernel = lazy.weights("discriminator")[0]
            without.models.networks["discriminator"].model.set_weights([kernel])
            lazy.train(1), without.train(1)
            difference = lazy.weights("discriminator")[0] - without.weights("discriminator")[0]
            # weight |w|^2 / 2 has the slope weight w; SGD moves 0.1 times the slope
            expected = -0.1 * 3 * self.WEIGHT * kernel if step % 3 == 0 else 0 * kernel
            np.testing.assert_allclose(difference, expected, atol=1e-6)

    def test_a_penalty_of_every_step_acts_in_every_step(self):
        always, without = self.critic(every=1), self.critic()
        for _ in range(2):
            kernel = always.weights("discriminator")[0]
            without.models.networks["discriminator"].model.set_weights([kernel])
            row = always.train(1)
            without.train(1)
            difference = always.weights("discriminator")[0] - without.weights("discriminator")[0]
            np.testing.assert_allclose(difference, -0.1 * self.WEIGHT * kernel, atol=1e-6)
            assert np.isfinite([always.column(row, name) for name in ("d_loss", "penalty")]).all()

    def test_two_penalties_add_up(self):
        both = {"r1": {"weight": 1.0}, "wgan_gp": {"weight": 10.0}}
        tiny = build(tiny_config(discriminator=LINEAR, loss="wasserstein", penalty=both))
        length = np.linalg.norm(tiny.weights("discriminator")[0])
        penalty = tiny.column(tiny.train(1), "penalty")[0]
        assert penalty == pytest.approx(length**2 / 2 + 10 * (length - 1) ** 2, rel=1e-4)


class TestClipping:
    LIMIT = 0.05

    def largest(self, clip, change=lambda objective: objective, steps=1):
        config = tiny_config(
            optimizer=SGD, loss="wasserstein", clip_weights=clip, train={"discriminator_steps": 2, "batch_size": 4}
        )
        tiny = build(config, change=change)
        tiny.train(steps)
        return max(np.abs(np.array(v)).max() for v in tiny.models.networks["discriminator"].trainable_variables)

    def test_after_every_update_all_weights_are_within_the_limit(self):
        def up_to(count):
            """The first discriminator updates of a step."""

            def change(objective):
                return with_stages(objective, objective.stages[: 2 * count])

            return change

        for count in (1, 2):
            assert self.largest(self.LIMIT, up_to(count)) <= np.float32(self.LIMIT)
        assert self.largest(self.LIMIT, steps=3) == pytest.approx(self.LIMIT, rel=1e-6)

    def test_without_it_they_are_not(self):
        assert self.largest(None) > 4 * self.LIMIT

    def test_statistics_and_the_generator_are_left_alone(self):
        tiny = build(tiny_config(discriminator=["BatchNormalization", {"Dense": {"units": 1}}]))
        discriminator = tiny.models.networks["discriminator"]
        clip_weights(discriminator, 0.01, {})
        assert all(np.abs(np.array(v)).max() <= 0.01 for v in discriminator.trainable_variables)
        assert max(np.array(v).max() for v in discriminator.model.non_trainable_variables) == 1  # the moving variance


class TestDiscriminatorStatistics:
    """What the discriminator's batch normalization uses in the generator's update."""

    def trained(self, statistics: str):
        tiny = build(
            tiny_config(discriminator=NORMALIZED, optimizer=SGD, train={"discriminator_statistics": statistics})
        )
        return tiny, tiny.draws.take(0, 1), tiny.train(1)

    def expected(self, tiny, draws, normalized) -> float:
        kernel, gamma, beta, mean, variance, last = tiny.weights("discriminator")
        fresh = build(tiny.config)  # the generator before its update
        images = ops.convert_to_numpy(fresh.models.networks["generator"](draws["latents_generator_fake_0"][0]))
        values = images @ kernel
        logits = (normalized(values, mean, variance) * gamma + beta) @ last
        return float(np.log1p(np.exp(-logits)).mean())

    def test_moving_takes_the_moving_statistics_and_leaves_them(self):
        tiny, draws, rows = self.trained("moving")
        normalized = lambda values, mean, variance: (values - mean) / np.sqrt(variance + 1e-3)  # noqa: E731
        assert tiny.column(rows, "g_loss")[0] == pytest.approx(self.expected(tiny, draws, normalized), rel=1e-4)

    def test_batch_takes_those_of_the_generated_batch(self):
        tiny, draws, rows = self.trained("batch")

        def normalized(values, *_):
            return (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0) + 1e-3)

        assert tiny.column(rows, "g_loss")[0] == pytest.approx(self.expected(tiny, draws, normalized), rel=1e-4)

    def test_only_batch_moves_the_statistics_in_the_generators_update(self):
        means = {}
        for statistics in ("batch", "moving"):
            tiny, _, _ = self.trained(statistics)
            means[statistics] = tiny.weights("discriminator")[3]
        images = build(tiny.config).models.networks["generator"](tiny.draws.take(0, 1)["latents_generator_fake_0"][0])
        of_batch = (ops.convert_to_numpy(images) @ tiny.weights("discriminator")[0]).mean(axis=0)
        np.testing.assert_allclose(means["batch"], 0.5 * means["moving"] + 0.5 * of_batch, rtol=1e-4)


def test_weights_between_the_limits_of_clipping_stay():
    weights = keras.Variable(np.array([-3.0, -0.1, -0.01, 0.0, 0.02, 0.1, 5.0], np.float32))
    clip_weights(SimpleNamespace(trainable_variables=[weights]), 0.1, {})
    np.testing.assert_allclose(ops.convert_to_numpy(weights), [-0.1, -0.1, -0.01, 0.0, 0.02, 0.1, 0.1])


@pytest.mark.parametrize(
    ("penalty", "lazy_every"),
    [({}, 1), ({"r1": {}}, 1), ({"r1": {"every": 4}}, 4), ({"r1": {"every": 4}, "r2": {"every": 1}}, 4)],
)
def test_a_step_is_lazy_as_its_laziest_penalty(penalty, lazy_every):
    assert build(tiny_config(penalty=penalty)).objective.updates[0].lazy_every == lazy_every


def test_targets_are_drawn_for_each_image_from_the_range_of_their_side_and_flipped_into_the_other():
    options = {"real_label": [0.7, 1.2], "fake_label": [0.0, 0.3], "flip_labels": 0.1}
    draws = build(tiny_config(loss={"non_saturating": options})).objective.draws
    real, fake = (0.7, 1.2), (0.0, 0.3)
    for side, own, other in (("real", real, fake), ("fake", fake, real)):
        expected = Draw("targets", (4, 1), low=own[0], high=own[1], flip=0.1, flipped=other)
        assert draws[f"{side}_labels_0"] == expected
