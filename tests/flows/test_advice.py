"""Warnings: each for its own mistake, and none for what is right."""

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.config.schema import Form
from ganlab.flows.advice import note_of_metrics, warnings_of
from tests.training.tiny import build, tiny_config

IMAGES, POINTS = Form((8, 8, 1), 10), Form((2,))
SHAPE = {"Reshape": {"target_shape": [8, 8, 1]}}


def dense(units, activation=None):
    return {"Dense": {"units": units} | ({"activation": activation} if activation else {})}


def warnings(form=IMAGES, generator=(), discriminator=(), **more):
    generator, discriminator = generator or (dense(64, "tanh"), SHAPE), discriminator or ("Flatten", dense(1))
    config = tiny_config(generator=list(generator), discriminator=list(discriminator), **more)
    return list(warnings_of(config, form))


def test_a_usual_config_has_none():
    assert warnings() == []


@pytest.mark.parametrize(
    "layers",
    [
        ("Flatten", "BatchNormalization", {"Dense": {"unit": 1}}),
        ("Flatten", {"SpectralNormalization": {"layer": {"Dense": {"units": 1}, "use_bias": False}}}),
        ("Flatten", {"SpectralNormalization": {"layer": {"Dense": 1}}}),
        ("Flatten", {"SpectralNormalization": {"layer": 3}}),
    ],
)
def test_layers_that_cannot_be_built_are_left_to_those_who_build_them(layers):
    assert warnings(discriminator=layers) == []


class TestASigmoidAtTheEndOfTheDiscriminator:
    ENDS = (
        ("Flatten", dense(1, "sigmoid")),
        ("Flatten", dense(1), {"Activation": {"activation": "sigmoid"}}),
        ({"Conv2D": {"filters": 1, "kernel_size": 8, "activation": "sigmoid"}}, "Flatten"),
        ("Flatten", {"SpectralNormalization": {"layer": {"Dense": {"units": 1, "activation": "sigmoid"}}}}),
        ("Flatten", {"EqualizedLearningRate": {"layer": {"Dense": {"units": 1, "activation": "sigmoid"}}}}),
        ("Flatten", dense(1, "sigmoid"), {"OutputNoise": {"stddev": 0.1}}),
    )

    @pytest.mark.parametrize("loss", ["minimax", "non_saturating", "wasserstein", "hinge", "relativistic"])
    @pytest.mark.parametrize("layers", ENDS)
    def test_is_wrong_under_a_loss_on_logits(self, loss, layers):
        more = {"clip_weights": 0.01} if loss == "wasserstein" else {}
        (line,) = warnings(discriminator=layers, loss=loss, **more)
        assert (
            line == f"the discriminator ends in a sigmoid, but the loss {loss} works on logits: leave the sigmoid out"
        )

    def test_is_another_function_under_least_squares(self):
        assert warnings(discriminator=self.ENDS[0], loss="least_squares") == []

    def test_is_none_inside_the_network(self):
        assert warnings(discriminator=("Flatten", dense(8, "sigmoid"), dense(1))) == []


class TestACriticUnderTheWassersteinLoss:
    def test_is_not_bounded_by_the_loss(self):
        (line,) = warnings(loss="wasserstein")
        assert line.endswith("it needs clip_weights, a penalty or SpectralNormalization")

    @pytest.mark.parametrize(
        "more",
        [
            {"clip_weights": 0.01},
            {"penalty": {"wgan_gp": {}}},
            {"discriminator": ["Flatten", {"SpectralNormalization": {"layer": dense(1)}}]},
            {"discriminator": ["Flatten", {"Dense": {"units": 1, "kernel_constraint": {"MaxNorm": {}}}}]},
        ],
        ids=str,
    )
    def test_may_be_bounded_in_four_ways(self, more):
        assert warnings(loss="wasserstein", **more) == []


class TestRmspropBesideClippedWeights:
    @staticmethod
    def lines(optimizer, clip_weights=0.01):
        return warnings(loss="wasserstein", clip_weights=clip_weights, penalty={"r1": {}}, optimizer=optimizer)

    @pytest.mark.parametrize("arguments", [{}, {"epsilon": 1e-7}, {"epsilon": 1e-9}])
    def test_has_an_epsilon_that_is_too_large(self, arguments):
        first, second = self.lines({"RMSprop": {"learning_rate": 5e-5, **arguments}})
        assert first.startswith("generator: RMSprop beside clip_weights: ") and second.startswith("discriminator: ")
        assert first.endswith("write epsilon: 1e-14")

    def test_is_right_with_a_small_one_and_other_optimizers_have_theirs_outside(self):
        rates = {"learning_rate": 5e-5}
        assert self.lines({"RMSprop": rates | {"epsilon": 1e-14}}) == self.lines({"Adam": rates}) == []
        assert self.lines({"RMSprop": rates}, clip_weights=None) == []

    @pytest.mark.parametrize(("epsilon", "least", "most"), [(1e-7, 0, 0.01), (1e-14, 0.9, 1.2)])
    def test_small_gradients_hardly_move_a_weight_indeed(self, epsilon, least, most):
        weight, optimizer = keras.Variable([0.0]), keras.optimizers.RMSprop(1.0, rho=0.0, epsilon=epsilon)
        optimizer.apply([ops.convert_to_tensor([1e-6])], [weight])
        assert least < -float(weight.numpy()[0]) < most


class TestBatchNormalizationBeforeTheLastLayer:
    LAYERS = ("Flatten", dense(8), "BatchNormalization", {"Dropout": {"rate": 0.1}}, dense(1))

    @pytest.mark.parametrize("batches", ["separate", "alternate", "joint"])  # the generator's update has no joint batch
    def test_gives_each_batch_one_mean(self, batches):
        (line,) = warnings(discriminator=self.LAYERS, train={"discriminator_batches": batches})
        assert line.endswith("has the same mean output; leave it out, or put an activation behind it")

    @pytest.mark.parametrize(
        "layers",
        [
            ("Flatten", dense(8), "BatchNormalization", "LeakyReLU", dense(1)),
            ("BatchNormalization", "Flatten", dense(1)),  # over places, which have weights of their own
            ("Flatten", "BatchNormalization", dense(8), dense(1)),
            ("Flatten", dense(8), "BatchNormalization", dense(11)),
        ],
        ids=str,
    )
    def test_is_one_that_the_last_layer_sees_as_it_is(self, layers):
        assert warnings(discriminator=layers) == []

    def test_gives_each_batch_one_mean_indeed(self):
        network = build(tiny_config(discriminator=[*self.LAYERS[1:3], dense(1)])).models.networks["discriminator"]
        batches = np.random.default_rng(0).normal([[[-3.0]], [[2.0]]], 1.0, (2, 64, 8)).astype(np.float32)
        means = [float(ops.mean(network(batch, training=True))) for batch in batches]
        assert means[0] == pytest.approx(means[1], abs=1e-6)


class TestTheEndOfTheGenerator:
    @pytest.mark.parametrize(
        "ending", [[dense(64)], [dense(64, "relu")], [dense(64), "LeakyReLU"], [dense(64, "softplus")]]
    )
    @pytest.mark.parametrize(("data_range", "low"), [("tanh", -1), ("sigmoid", 0)])
    def test_that_has_no_bounds_is_clipped(self, ending, data_range, low):
        (line,) = warnings(generator=[*ending, SHAPE], data={"name": "digits", "range": data_range})
        assert line.endswith(f"pictures and metrics clip its values to {low} to 1; a last {data_range} fits")

    @pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
    def test_that_gives_half_of_the_range_asks_for_the_other_range(self, activation):
        (line,) = warnings(generator=[dense(64, activation), SHAPE])
        assert line == (
            f"the generator ends in {activation}, which gives 0 to 1, and the data are -1 to 1; data: {{range: sigmoid}} fits"
        )
        assert warnings(generator=[dense(64, activation), SHAPE], data={"name": "digits", "range": "sigmoid"}) == []

    def test_that_gives_more_than_the_range_is_clipped(self):
        (line,) = warnings(data={"name": "digits", "range": "sigmoid"})
        assert line.startswith("the generator ends in tanh, and data.range is sigmoid: pictures and metrics clip")

    def test_of_points_has_no_bounds(self):
        assert warnings(POINTS, generator=[dense(2)], discriminator=[dense(1)]) == []

    def test_that_says_nothing_of_its_values_has_no_warning(self):
        merged = {"merge": "Add", "branches": {"a": [], "b": [dense(64)]}}
        assert (
            warnings(generator=[dense(64), merged, SHAPE])
            == warnings(generator=[dense(64), "LayerNormalization", SHAPE])
            == []
        )

    def test_of_a_vae_is_looked_at_as_well(self):
        config = tiny_config("vae", encoder=[dense(6)], generator=[dense(64), SHAPE])
        assert len(list(warnings_of(config, IMAGES))) == 1


@pytest.mark.parametrize(("momentum", "own"), [(0.1, "0.9"), (0.01, "0.99")])
def test_a_momentum_of_pytorch_is_named_once_a_network(momentum, own):
    layers = [{"BatchNormalization": {"momentum": momentum}}] * 2
    (line,) = warnings(generator=[dense(64), *layers, dense(64, "tanh"), SHAPE])
    assert line.startswith("generator: BatchNormalization with momentum") and line.endswith(f"of PyTorch is {own} here")
    assert warnings(generator=[dense(64), {"BatchNormalization": {"momentum": 0.8}}, dense(64, "tanh"), SHAPE]) == []


@pytest.mark.parametrize(
    ("count", "metrics", "form", "advice"),
    [
        (1000, "auto", IMAGES, None),
        (999, "auto", IMAGES, "metrics: [fd500_random] fits"),
        (499, "auto", IMAGES, "metrics: [fd200_random] fits"),
        (199, "auto", IMAGES, "metrics need at least 200"),
        (499, [], IMAGES, None),
        (1, "auto", POINTS, None),
    ],
)
def test_auto_says_on_how_few_images_it_measures_nothing(count, metrics, form, advice):
    said = note_of_metrics(tiny_config(metrics=metrics), form, count)
    line = f"metrics: auto measures nothing on {count} images, fewer than 1,000; {advice}"
    assert said == (advice and line)
