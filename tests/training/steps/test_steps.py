"""Who moves, what the compiled step computes beside plain implementations, compilation and bfloat16."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.errors import ConfigError
from ganlab.training.stages import Objective, Pass
from ganlab.training.steps import load_backend
from tests.training.tiny import BACKEND, IMAGES, SGD, Tiny, build, tiny_config

SCHEDULES = {
    "separate": {},
    "alternate": {"discriminator_batches": "alternate"},
    "joint": {"discriminator_batches": "joint"},
    "shared latents": {"share_latents": True},
    "five discriminator steps": {"discriminator_steps": 5},
    "two generator steps": {"generator_steps": 2, "generator_batch_size": 6},
}
BATCH_NORM = [{"Dense": {"units": 5}}, "BatchNormalization", "LeakyReLU"]


def one_update(number: int, columns: dict):
    """Leaves one update of an objective's step, and all passes that stand before it."""

    def change(objective: Objective) -> Objective:
        update = [stage for stage in objective.stages if not isinstance(stage, Pass)][number]
        before = objective.stages[: objective.stages.index(update)]
        passes = tuple(stage for stage in before if isinstance(stage, Pass))
        return dataclasses.replace(objective, stages=(*passes, update), columns=columns)

    return change


def moved(before: dict, after: dict, owner: str) -> list[bool]:
    assert before.keys() == after.keys()
    names = [name for name in before if name.startswith(owner)]
    assert names
    return [not np.array_equal(before[name], after[name]) for name in names]


def trainable(tiny: Tiny) -> dict[str, list[np.ndarray]]:
    return {name: [np.array(v) for v in net.trainable_variables] for name, net in tiny.gan.networks.items()}


class TestOnlyTheNetworkOfAnUpdateMoves:
    @pytest.mark.parametrize("train", SCHEDULES.values(), ids=SCHEDULES)
    def test_in_each_single_update(self, train):
        config = tiny_config(
            generator=[*BATCH_NORM, {"Dense": {"units": 8}}],
            discriminator=[*BATCH_NORM, {"Dense": {"units": 1}}],
            optimizer=SGD,
            train=train,
        )
        updates = [stage for stage in build(config).objective.stages if not isinstance(stage, Pass)]
        assert {update.network for update in updates} == {"generator", "discriminator"}
        # Updates of one network are alike; the first and the last of each are tried.
        for name in ("discriminator", "generator"):
            numbers = [number for number, update in enumerate(updates) if update.network == name]
            for number in sorted({numbers[0], numbers[-1]}):
                logged = "g_loss" if name == "generator" else "d_real" if number == 0 else "d_fake"
                tiny = build(config, change=one_update(number, {logged: (logged,)}))
                before, state = trainable(tiny), tiny.snapshot()
                tiny.train(1)
                after = trainable(tiny)
                other = {"discriminator": "generator", "generator": "discriminator"}[name]
                for old, new in zip(before[other], after[other], strict=True):
                    np.testing.assert_array_equal(old, new)
                assert any(not np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
                assert not any(moved(state, tiny.snapshot(), f"optimizers/{other}"))
                assert any(moved(state, tiny.snapshot(), f"optimizers/{name}"))

    def test_and_a_whole_step_moves_both(self):
        tiny = build(tiny_config())
        before = trainable(tiny)
        tiny.train(1)
        for name, after in trainable(tiny).items():
            assert all(not np.array_equal(old, new) for old, new in zip(before[name], after, strict=True))

    def test_the_state_has_the_same_names_before_the_first_step_and_after(self):
        tiny = build(tiny_config(train={"ema": 0.9}))
        before = tiny.snapshot()
        tiny.train(2)
        after = tiny.snapshot()
        assert [(name, array.shape) for name, array in before.items()] == [(n, a.shape) for n, a in after.items()]
        assert any("momentum" in name for name in before if name.startswith("optimizers/discriminator"))
        assert all(any(moved(before, after, owner)) for owner in ("networks", "averages", "optimizers"))


def cross_entropy(logits, target):
    # -target log(sigmoid) - (1 - target) log(1 - sigmoid)
    return ops.mean(ops.softplus(logits) - target * logits)


class Plain:
    """The same training as an independent loop over whole weight vectors, an update at a time."""

    def __init__(self, config):
        other = build(config)
        self.generator, self.discriminator = other.gan.networks["generator"], other.gan.networks["discriminator"]
        self.optimizers, self.draws = other.gan.optimizers, other.draws

    def update(self, name, loss):
        variables = getattr(self, name).trainable_variables
        ends = np.cumsum([np.prod(variable.shape) for variable in variables]).astype(int).tolist()

        def parts(vector):
            pieces = [vector[start:end] for start, end in zip([0, *ends], ends, strict=False)]
            return [ops.reshape(piece, v.shape) for piece, v in zip(pieces, variables, strict=True)]

        def loss_of(vector):
            with keras.StatelessScope(zip(variables, parts(vector), strict=True), collect_losses=True):
                return loss()

        weights = ops.concatenate([ops.reshape(ops.convert_to_tensor(v), (-1,)) for v in variables])
        value, gradient = float(loss_of(weights)), BACKEND.input_gradient(loss_of, weights)
        self.optimizers[name].apply(parts(gradient), variables)
        return value

    def real(self, step, turn):
        return IMAGES[self.draws.take(step, 1)[f"real_{turn}"][0]].astype(np.float32) / 127.5 - 1

    def fake(self, step, name):
        return self.generator(self.draws.take(step, 1)[f"latents_{name}"][0])

    def train_discriminator(self, step, batches, turn=0):
        real, fake = self.real(step, turn), ops.stop_gradient(self.fake(step, f"fake_{turn}"))
        if batches == "alternate":
            first = self.update("discriminator", lambda: cross_entropy(self.discriminator(real), 1.0))
            return first + self.update("discriminator", lambda: cross_entropy(self.discriminator(fake), 0.0))
        return self.update(
            "discriminator",
            lambda: cross_entropy(self.discriminator(real), 1.0) + cross_entropy(self.discriminator(fake), 0.0),
        )

    def train_generator(self, step, name="generator_fake_0"):
        return self.update("generator", lambda: cross_entropy(self.discriminator(self.fake(step, name)), 1.0))


class TestAgainstPlainLoops:
    @pytest.mark.parametrize(
        ("batches", "shared", "optimizer"),
        [
            ("separate", False, SGD),
            ("separate", True, SGD),
            ("separate", True, {"Adam": {"learning_rate": 1e-3, "beta_1": 0.5}}),
            ("alternate", False, SGD),
            ("alternate", True, SGD),
            ("joint", False, SGD),
            ("joint", True, SGD),
        ],
    )
    def test_weights_and_losses_agree(self, batches, shared, optimizer):
        train = {"discriminator_batches": batches, "share_latents": shared}
        config = tiny_config(optimizer=optimizer, train=train)
        tiny, plain = build(config), Plain(config)
        rows = tiny.train(3)
        for step, row in enumerate(rows):
            d_loss = plain.train_discriminator(step, batches)
            g_loss = plain.train_generator(step, "fake_0" if shared else "generator_fake_0")
            np.testing.assert_allclose(row[:2], [d_loss, g_loss], atol=1e-6)
        for name in ("generator", "discriminator"):
            for ours, theirs in zip(tiny.weights(name), getattr(plain, name).get_weights(), strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-6)

    def test_several_updates_a_step_agree(self):
        config = tiny_config(optimizer=SGD, train={"discriminator_steps": 3, "generator_steps": 2})
        tiny, plain = build(config), Plain(config)
        (row,) = tiny.train(1)
        d_losses = [plain.train_discriminator(0, "separate", turn) for turn in range(3)]
        g_losses = [plain.train_generator(0, f"generator_fake_{turn}") for turn in range(2)]
        np.testing.assert_allclose(row[:2], [np.mean(d_losses), np.mean(g_losses)], atol=1e-6)
        for name in ("generator", "discriminator"):
            for ours, theirs in zip(tiny.weights(name), getattr(plain, name).get_weights(), strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-6)

    def test_batch_normalization_sees_real_and_fake_together_in_joint_batches_only(self):
        layers = ["BatchNormalization", {"Dense": {"units": 1}}]
        weights = {}
        for batches in ("separate", "joint"):
            tiny = build(tiny_config(discriminator=layers, train={"discriminator_batches": batches}))
            tiny.train(1)
            weights[batches] = np.concatenate([part.ravel() for part in tiny.weights("discriminator")])
        assert np.abs(weights["separate"] - weights["joint"]).max() > 1e-4


REGULARIZED = {"kernel_regularizer": {"L2": {"l2": 0.5}}}
ACTIVE = {"activity_regularizer": {"L2": {"l2": 0.5}}}


class TestRegularizers:
    @pytest.mark.parametrize(
        ("regularizer", "shared"),
        [(REGULARIZED, False), (ACTIVE, False), (ACTIVE, True)],
        ids=["of weights", "of outputs", "of outputs, shared latents"],
    )
    def test_of_the_generator_add_their_gradient(self, regularizer, shared):
        config = tiny_config(
            generator=[{"Dense": {"units": 8, **regularizer}}], optimizer=SGD, train={"share_latents": shared}
        )
        tiny, plain = build(config), Plain(config)
        tiny.train(1)
        plain.train_discriminator(0, "separate")
        name = "fake_0" if shared else "generator_fake_0"

        def loss():
            logits = plain.discriminator(plain.fake(0, name))
            return cross_entropy(logits, 1.0) + sum(plain.generator.losses)

        plain.update("generator", loss)
        for ours, theirs in zip(tiny.weights("generator"), plain.generator.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)

    def test_of_the_discriminator_add_their_gradient(self):
        first = tiny_config(discriminator=[{"Dense": {"units": 1}}], optimizer=SGD)
        second = tiny_config(discriminator=[{"Dense": {"units": 1, **REGULARIZED}}], optimizer=SGD)
        without, with_it = build(first), build(second)
        kernel = without.weights("discriminator")[0]
        without.train(1), with_it.train(1)
        # 0.5 w^2 has the slope w, and SGD moves 0.1 times the slope
        expected = without.weights("discriminator")[0] - 0.1 * kernel
        np.testing.assert_allclose(with_it.weights("discriminator")[0], expected, atol=1e-6)


class TestXla:
    def test_xla_and_plain_agree_within_rounding(self):
        config = tiny_config(
            optimizer=SGD, loss="wasserstein", penalty={"wgan_gp": {}}, clip_weights=0.5, train={"ema": 0.9}
        )
        plain, compiled = build(config), build(config, jit=True)
        rows = [tiny.train(4, room=4) for tiny in (plain, compiled)]
        np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)
        found = compiled.snapshot()
        for name, array in plain.snapshot().items():
            np.testing.assert_allclose(found[name], array, atol=1e-5, err_msg=name)

    def test_a_chunk_that_is_not_full_performs_no_more_steps_than_asked(self):
        config = tiny_config(optimizer=SGD)
        plain, compiled = build(config), build(config, jit=True)
        assert compiled.train(3, room=8).shape == plain.train(3, room=8).shape
        assert int(compiled.gan.optimizers["generator"].iterations) == 3
        for ours, theirs in zip(compiled.weights("generator"), plain.weights("generator"), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


class TestMixedPrecision:
    @pytest.fixture(scope="class")
    def trained(self):
        tiny = build(tiny_config(precision="mixed_bfloat16", penalty={"r1": {}}, train={"ema": 0.9}))
        before = tiny.snapshot()
        return tiny, before, tiny.train(3)

    def test_weights_and_their_averages_are_float32(self, trained):
        tiny = trained[0]
        assert {v.dtype for net in (*tiny.gan.networks.values(), tiny.gan.average) for v in net.weights} == {"float32"}

    def test_layers_compute_in_bfloat16(self, trained):
        assert {layer.compute_dtype for layer in trained[0].gan.networks["generator"].layers[1:]} == {"bfloat16"}

    def test_it_trains_close_to_float32(self, trained):
        tiny, before, rows = trained
        assert np.isfinite(rows).all()
        assert all(moved(before, tiny.snapshot(), "networks"))
        reference = build(tiny_config(penalty={"r1": {}}, train={"ema": 0.9})).train(3)
        np.testing.assert_allclose(rows[:, :2], reference[:, :2], rtol=0.05)


def test_images_on_the_device_span_the_declared_range():
    images = np.array([[0] * 8, [255] * 8], np.uint8)
    config = tiny_config(discriminator=[{"Dense": {"units": 1, "kernel_initializer": "ones"}}], loss="wasserstein")
    for ends in ((-1.0, 1.0), (0.0, 1.0)):
        tiny = build(config, images=images)
        steps = BACKEND.Steps(tiny.objective, images, ends, False)
        draws = tiny.draws.take(0, 1) | {"real_0": np.array([[0, 0, 0, 1]], np.int32)}
        row = steps.run(draws, 0, 1)[0]
        assert row[2] == pytest.approx(8 * (0.75 * ends[0] + 0.25 * ends[1]))


def test_the_gradient_at_points_can_be_differentiated_again():
    points = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)

    def first(x):
        return BACKEND.input_gradient(lambda x: ops.sum(x**3, axis=1), x)

    for function, expected in ((first, 3 * points**2), (lambda x: BACKEND.input_gradient(first, x), 6 * points)):
        np.testing.assert_allclose(ops.convert_to_numpy(function(ops.convert_to_tensor(points))), expected, rtol=1e-6)


def test_a_pass_is_timed():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert 0 < BACKEND.pass_seconds(network, 4, False) < 1


def test_a_backend_without_steps_is_named():
    message = "no training steps for the backend 'mxnet'; expected: tensorflow, jax, torch"
    with pytest.raises(NotImplementedError, match=message):
        load_backend("mxnet")


def test_a_gpu_that_is_not_there_is_a_config_error():
    if BACKEND.set_device("auto") != "cpu":
        pytest.skip("this machine has a GPU")
    name = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[keras.backend.backend()]
    with pytest.raises(ConfigError, match=f"^device: gpu was asked for, but {name} sees none here; expected auto"):
        BACKEND.set_device("gpu")
    assert BACKEND.set_device("cpu") == "cpu"
