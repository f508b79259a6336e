"""Who moves, XLA and bfloat16; on the backend of the test run, except where a test says so."""

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.errors import ConfigError
from tests.training.tiny import BACKEND, SGD, Tiny, build, one_update, tiny_config

SCHEDULES = {
    "separate": {},
    "alternate": {"discriminator_batches": "alternate"},
    "joint": {"discriminator_batches": "joint"},
    "shared latents": {"share_latents": True},
    "five discriminator steps": {"discriminator_steps": 5},
    "two generator steps": {"generator_steps": 2, "generator_batch_size": 6},
}
BATCH_NORM = [{"Dense": {"units": 5}}, "BatchNormalization", "LeakyReLU"]


def moved(before: dict, after: dict, owner: str) -> list[bool]:
    assert before.keys() == after.keys()
    names = [name for name in before if name.startswith(owner)]
    assert names
    return [not np.array_equal(before[name], after[name]) for name in names]


def trainable(tiny: Tiny) -> dict[str, list[np.ndarray]]:
    return {name: [np.array(v) for v in net.trainable_variables] for name, net in tiny.models.networks.items()}


class TestOnlyTheNetworkOfAnUpdateMoves:
    @pytest.mark.parametrize("train", SCHEDULES.values(), ids=SCHEDULES)
    def test_in_each_single_update(self, train):
        config = tiny_config(
            generator=[*BATCH_NORM, {"Dense": {"units": 8}}],
            discriminator=[*BATCH_NORM, {"Dense": {"units": 1}}],
            optimizer=SGD,
            train=train,
        )
        updates = build(config).objective.updates
        assert {update.networks for update in updates} == {("generator",), ("discriminator",)}
        # Updates of one network are alike; the first and the last of each are tried.
        for name in ("discriminator", "generator"):
            numbers = [number for number, update in enumerate(updates) if update.networks == (name,)]
            for number in sorted({numbers[0], numbers[-1]}):
                tiny = build(config, change=one_update(number))
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


def test_batch_normalization_sees_real_and_fake_together_in_joint_batches_only():
    layers = ["BatchNormalization", {"Dense": {"units": 1}}]
    weights = {}
    for batches in ("separate", "joint"):
        tiny = build(tiny_config(discriminator=layers, train={"discriminator_batches": batches}))
        tiny.train(1)
        weights[batches] = np.concatenate([part.ravel() for part in tiny.weights("discriminator")])
    assert np.abs(weights["separate"] - weights["joint"]).max() > 1e-4


@pytest.mark.skipif(len(BACKEND.JIT) == 1, reason="this backend always compiles, or never does")
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


def test_a_chunk_that_is_not_full_performs_no_more_steps_than_asked():
    config = tiny_config(optimizer=SGD)
    full, padded = build(config), build(config, jit=BACKEND.JIT[-1])
    assert padded.train(3, room=8).shape == full.train(3, room=3).shape
    assert int(padded.models.optimizers["generator"].iterations) == 3
    for ours, theirs in zip(padded.weights("generator"), full.weights("generator"), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


class TestMixedPrecision:
    @pytest.fixture(scope="class")
    def trained(self):
        tiny = build(tiny_config(precision="mixed_bfloat16", penalty={"r1": {}}, train={"ema": 0.9}))
        before = tiny.snapshot()
        return tiny, before, tiny.train(3)

    def test_weights_and_their_averages_are_float32(self, trained):
        tiny = trained[0]
        networks = (*tiny.models.networks.values(), *tiny.models.averages.values())
        assert {v.dtype for network in networks for v in network.model.weights} == {"float32"}

    def test_layers_compute_in_bfloat16(self, trained):
        assert {layer.compute_dtype for layer in trained[0].models.networks["generator"].layers} == {"bfloat16"}

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
        steps = BACKEND.Steps(tiny.objective, {"images": images}, ends, False)
        draws = tiny.draws.take(0, 1) | {"real_0": np.array([[0, 0, 0, 1]], np.int32)}
        row = steps.run(draws, 0, 1)[0]
        assert row[tiny.objective.column_names.index("d_real")] == pytest.approx(8 * (0.75 * ends[0] + 0.25 * ends[1]))


def test_the_gradient_at_points_can_be_differentiated_again():
    points = ops.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])

    def first(points):
        return BACKEND.input_gradient(lambda x: ops.sum(x**3, axis=1), points)

    np.testing.assert_allclose(ops.convert_to_numpy(first(points)), 3 * np.array(points) ** 2)
    np.testing.assert_allclose(ops.convert_to_numpy(BACKEND.input_gradient(first, points)), 6 * np.array(points))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own optimization of graphs")
def test_every_build_of_a_step_computes_the_same():
    """Logits of a critic that its gradient does not need: a graph without order read them from weights that had moved."""
    critic = [{"Dense": {"units": 6}}, "LeakyReLU", {"Dense": {"units": 1, "use_bias": False}}]
    config = tiny_config(discriminator=critic, loss="wasserstein", penalty={"wgan_gp": {}})
    found = set()
    for _ in range(12):
        tiny = build(config, jit=False)
        rows = tiny.train(1)
        found.add((rows.tobytes(), *(array.tobytes() for array in tiny.snapshot().values())))
    assert len(found) == 1


def test_a_gpu_that_is_not_there_is_a_config_error():
    name = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[keras.backend.backend()]
    if BACKEND.set_device("auto") != "cpu":
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match=rf"^device: gpu was asked for, but {name} sees none here; expected auto"):
        BACKEND.set_device("gpu")
    assert BACKEND.set_device("cpu") == "cpu"
