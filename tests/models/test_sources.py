"""Layers that ignore what stands before them, layers that take more than one value, and the run on a reference batch."""

import re

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.errors import ConfigError
from ganlab.models import single_layers
from tests.models.networks import compiled

RANDOM = np.random.default_rng(0)
POINTS = RANDOM.standard_normal((5, 4)).astype(np.float32)
LABELS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
WITH_LABELS = {"input": (4,), "labels": (3,)}


def outputs(network, **values) -> np.ndarray:
    return ops.convert_to_numpy(network({"input": POINTS, **values}))


def test_labels_stand_beside_the_input():
    network = compiled("{merge: Concatenate, branches: {point: [], class: [Labels]}}", inputs=WITH_LABELS)
    assert network.inputs == ("input", "labels")
    np.testing.assert_array_equal(outputs(network, labels=LABELS), np.concatenate([POINTS, LABELS], axis=1))
    np.testing.assert_array_equal(network.predict({"labels": LABELS, "input": POINTS}), outputs(network, labels=LABELS))


def test_the_step_stays_float32_in_mixed_precision():
    inputs = {"input": (4,), "step": (1,)}
    network = compiled("{merge: Concatenate, branches: {a: [], b: [Step]}}", inputs=inputs, precision="mixed_bfloat16")
    step = np.full((5, 1), 100_001, np.float32)
    assert network.inputs == ("input", "step")
    found = network.run({"input": POINTS, "step": step}, features=())["output"]
    assert found.shape == (5, 5)
    (node,) = [node for node in network.nodes if node.layer.__class__.__name__ == "Step"]
    np.testing.assert_array_equal(ops.convert_to_numpy(node.call({"step": step})), step)


def test_parts_of_the_latents_can_be_handed_on():
    parts = ["Latents: {first: 0, count: 1}", "Latents: {first: 2, count: 2}"]
    network = compiled(
        "Dense: {units: 2}", f"{{merge: Concatenate, branches: {{a: [{parts[0]}], b: [{parts[1]}]}}}}", inputs=(4,)
    )
    np.testing.assert_array_equal(outputs(network), POINTS[:, [0, 2, 3]])


def test_an_output_skips_the_layers_between():
    network = compiled(
        "Dense: {units: 2, name: early}",
        "Dense: {units: 3}",
        "{merge: Concatenate, branches: {late: [], early: [Output: {of: early}, Rescaling: {scale: 2.0}]}}",
        inputs=(4,),
    )
    found = {name: ops.convert_to_numpy(value) for name, value in network.run(POINTS, features=["early"]).items()}
    np.testing.assert_allclose(found["output"][:, 3:], 2 * found["early"], rtol=1e-6)


def test_inputs_stand_in_one_order_whoever_takes_them_first():
    inputs = {"fade": (1,), "step": (1,), "labels": (3,), "input": (4,)}
    parts = "a: [Step], b: [Labels], c: [{merge: Fade, branches: {old: [], new: [Rescaling: {scale: 3.0}]}}]"
    network = compiled(f"{{merge: Concatenate, branches: {{{parts}}}}}", inputs=inputs)
    assert network.inputs == ("input", "labels", "step", "fade")
    values = {"labels": LABELS, "step": np.ones((5, 1)), "fade": np.full((5, 1), 0.25)}
    expected = np.concatenate([np.ones((5, 1)), LABELS, 0.75 * POINTS + 0.25 * 3 * POINTS], axis=1)
    np.testing.assert_allclose(outputs(network, **values), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(network.predict({"input": POINTS, **values}), expected, rtol=1e-5, atol=1e-6)


class Warming(keras.layers.Layer):
    """A layer as CONTRIBUTING.md describes one."""

    takes = ("labels", "step")

    def build(self, inputs_shape, labels_shape, step_shape):
        self.kernel = self.add_weight(shape=(labels_shape[-1], inputs_shape[-1]), initializer="ones")

    def call(self, inputs, labels, step):
        return inputs * ops.matmul(labels, self.kernel) / (1 + step)

    def compute_output_shape(self, inputs_shape):
        return inputs_shape


def test_a_new_layer_is_called_with_every_value_that_it_takes(monkeypatch):
    monkeypatch.setitem(single_layers._KNOWN, "Warming", Warming)
    network = compiled("Warming", inputs={**WITH_LABELS, "step": (1,)})
    assert network.inputs == ("input", "labels", "step")
    steps = np.arange(5, dtype=np.float32)[:, None]
    np.testing.assert_allclose(outputs(network, labels=LABELS, step=steps), POINTS / (1 + steps), rtol=1e-6)


AT = "c.yaml:{}: discriminator.layers"
NO_LABELS = "this config has none; expected `labels: conditional` and labelled data"
MISTAKES = [
    (["Labels"], f"{AT.format('12:7')}[0].Labels: needs the labels, but {NO_LABELS}"),
    (
        ["ConditionalBatchNormalization"],
        f"{AT.format('12:7')}[0].ConditionalBatchNormalization: needs the labels, but {NO_LABELS}",
    ),
    (["Step"], f"{AT.format('12:7')}[0].Step: needs the step, but this network is built without one"),
    (
        ["{merge: Fade, branches: {old: [], new: []}}"],
        f"{AT.format('12:8')}[0].merge.Fade: needs the fade, but this run has no phases",
    ),
    (
        ["Latents: {first: 3, count: 2}"],
        f"{AT.format('12:7')}[0].Latents: does not fit its input of shape (4,): the part ends at 5, but the network's"
        " input has 4 numbers",
    ),
    (
        ["Latents: {first: -1, count: 2}"],
        f"{AT.format('12:17')}[0].Latents.first: the layer Latents does not accept this: `first` is an integer >= 0,"
        " received -1",
    ),
    (["Latents: {first: 1}"], f"{AT.format('12:7')}[0].Latents.count: missing; Latents needs it"),
    (
        ["Dense: {units: 2, name: early}", "Output: {of: erly}"],
        f"{AT.format('13:16')}[1].Output.of: expected the name of an earlier layer; 'erly' is no layer's `name:`."
        " Did you mean 'early'?",
    ),
    (
        ["Dense: {units: 2}", "Output: {of: dense}"],  # a name that was counted can change with the layers before
        f"{AT.format('13:16')}[1].Output.of: expected the name of an earlier layer; 'dense' is no layer's `name:`.",
    ),
    (
        ["Output: {of: late}", "Dense: {units: 2, name: late}"],
        f"{AT.format('12:16')}[0].Output.of: expected the name of an earlier layer; 'late' stands later",
    ),
    (
        ["Output: {of: [1]}"],
        f"{AT.format('12:16')}[0].Output.of: expected the name of an earlier layer; [1] is no layer's `name:`.",
    ),
    (
        ["TimeDistributed: {layer: {VirtualBatchNormalization: {}}}"],
        f"{AT.format('12:33')}[0].TimeDistributed.layer.VirtualBatchNormalization: the layer VirtualBatchNormalization"
        " cannot be wrapped: it takes more than its wrapper has",
    ),
]


@pytest.mark.parametrize(("layers", "message"), MISTAKES, ids=[str(layers) for layers, _ in MISTAKES])
def test_a_mistake_is_one_line_with_its_place(layers, message):
    with pytest.raises(ConfigError) as caught:
        compiled(*layers, inputs=(4,))
    assert str(caught.value) == message


def test_a_part_of_an_image_is_refused():
    with pytest.raises(
        ConfigError, match=r"Latents: does not fit its input of shape \(8, 8, 1\): parts can be taken of a"
    ):
        compiled("Latents: {first: 0, count: 1}")


VIRTUAL = "VirtualBatchNormalization: {reference_size: 3}"
REFERENCE = RANDOM.standard_normal((3, 4)).astype(np.float32)


class TestReferenceBatch:
    def test_is_a_weight_that_is_not_trained_and_that_the_network_names(self):
        network = compiled("Dense: {units: 2}", VIRTUAL, "ReLU", VIRTUAL, inputs=(4,))
        assert network.references["input"].batch.shape == (3, 4)
        assert [v.path for v in network.variables if "reference" in v.path] == [network.references["input"].batch.path]
        assert not any(v is network.references["input"].batch for v in network.trainable_variables)
        assert compiled("Dense: {units: 2}", inputs=(4,)).references == {}

    def test_runs_through_the_layers_before_with_their_present_weights(self):
        network = compiled("Dense: {units: 2, name: dense_one}", "ReLU", VIRTUAL, inputs=(4,))
        network.references["input"].batch.assign(REFERENCE)
        names = [node.name for node in network.nodes]
        assert len(names) == len(set(names)) == 1 + 2 + 3 and names[-1] == "virtual_batch_normalization"
        assert [layer.name for layer in network.layers].count("dense_one") == 1
        (node,) = [node for node in network.nodes if node.more]
        kernel, bias = (np.array(v) for v in network.trainable_variables[:2])
        known = {"input": POINTS}
        for other in network.nodes:
            known[other.name] = other.call(known)
        expected = np.maximum(REFERENCE @ kernel + bias, 0)
        np.testing.assert_allclose(ops.convert_to_numpy(known[node.more["reference"]]), expected, rtol=1e-5, atol=1e-6)

    def test_leaves_out_layers_that_do_not_lead_to_it(self):
        network = compiled(
            "{merge: Add, branches: {a: [Dense: {units: 4}], b: [" + VIRTUAL + "]}}", "Dense: {units: 1}", inputs=(4,)
        )
        again = [node.layer.name for node in network.nodes if "/" in node.name]
        assert again == ["reference_batch"]

    def test_of_later_layers_is_normalized_by_itself(self):
        """The reference batch is normalized by its own statistics on its way to the second layer."""
        network = compiled(VIRTUAL, "Rescaling: {scale: 2.0}", VIRTUAL, inputs=(4,))
        network.references["input"].batch.assign(REFERENCE)
        known = {"input": POINTS}
        for node in network.nodes:
            known[node.name] = node.call(known)
        last = network.nodes[-1].more["reference"]
        normalized = (REFERENCE - REFERENCE.mean(0)) / np.sqrt(REFERENCE.var(0) + 1e-3)
        np.testing.assert_allclose(ops.convert_to_numpy(known[last]), 2 * normalized, rtol=1e-4, atol=1e-5)

    def test_losses_of_a_layer_that_runs_twice_are_those_of_the_batch(self):
        regularized = "Activation: {activation: relu, activity_regularizer: {L2: {l2: 1.0}}, name: relu}"
        network = compiled(regularized, VIRTUAL, inputs=(4,))
        network.references["input"].batch.assign(REFERENCE)
        network(POINTS, training=True)
        (loss,) = network.losses
        assert float(ops.convert_to_numpy(loss)) == pytest.approx(
            (np.maximum(POINTS, 0) ** 2).sum() / len(POINTS), rel=1e-5
        )

    def test_has_one_size(self):
        with pytest.raises(ConfigError) as caught:
            compiled(VIRTUAL, "VirtualBatchNormalization: {reference_size: 4}", inputs=(4,))
        assert str(caught.value) == (
            "c.yaml:13:35: discriminator.layers[1].VirtualBatchNormalization.reference_size: expected 3, as in the layer"
            " before (a network has one reference batch), received 4"
        )

    @pytest.mark.parametrize(
        "before",
        [
            ["ConditionalBatchNormalization"],
            ["{merge: Concatenate, branches: {a: [], b: [Labels]}}", "Dense: {units: 3}"],
        ],
    )
    def test_has_labels_where_layers_before_take_them(self, before):
        network = compiled(*before, VIRTUAL, inputs=WITH_LABELS)
        samples, labels = (network.references[name].batch for name in ("input", "labels"))
        samples.assign(RANDOM.standard_normal(samples.shape))
        one_hot = np.eye(labels.shape[1], dtype=np.float32)[[0, 1, 1]]
        labels.assign(one_hot)
        known = {name: ops.zeros((2, *shape)) for name, shape in WITH_LABELS.items()}
        for node in network.nodes:
            known[node.name] = node.call(known)
        found = known[network.nodes[-1].more["reference"]]
        plain = compiled(*before, inputs=WITH_LABELS)
        plain.model.set_weights([np.array(v) for v in network.variables if not re.search("reference|virtual", v.path)])
        expected = plain({"input": ops.convert_to_tensor(samples), "labels": one_hot})
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (found, expected)), rtol=1e-5, atol=1e-6)

    def test_has_no_step(self):
        before = "{merge: Concatenate, branches: {a: [], b: [Step]}}"
        with pytest.raises(ConfigError) as caught:
            compiled(before, VIRTUAL, inputs={"input": (4,), "step": (1,)})
        assert str(caught.value).endswith("on a reference batch, but a layer before it takes the step")

    def test_survives_saving_and_loading(self, tmp_path):
        first, second = (compiled("Dense: {units: 2}", VIRTUAL, inputs=(4,)) for _ in range(2))
        first.references["input"].batch.assign(REFERENCE)
        first.model.save_weights(tmp_path / "a.weights.h5")
        second.model.load_weights(tmp_path / "a.weights.h5")
        np.testing.assert_allclose(second.predict(POINTS), first.predict(POINTS), rtol=1e-6)
        np.testing.assert_array_equal(np.array(second.references["input"].batch), REFERENCE)


def test_a_layer_that_takes_something_unknown_is_named(monkeypatch):
    class Wrong(keras.layers.Layer):
        takes = ("label",)

    monkeypatch.setitem(single_layers._KNOWN, "Wrong", Wrong)
    with pytest.raises(
        ConfigError, match="the class Wrong takes 'label'; expected one of fade, labels, reference, step"
    ):
        compiled("Wrong", inputs=(4,))
