"""Grouped convolutions in TensorFlow's own operation compute what Keras' `call` computes."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow's layers", allow_module_level=True)

import tensorflow as tf

from ganlab.backends import tensorflow_layers
from ganlab.models.network import COMPUTATIONS
from tests.training.tiny import build, tiny_config

RANDOM = np.random.default_rng(0)
CONVOLUTIONS = {
    "even sides, stride 2": ((6, 8), {"kernel_size": 3, "strides": 2, "padding": "same", "groups": 2}),
    "odd sides, even kernel": ((7, 9), {"kernel_size": (4, 2), "padding": "same", "groups": 4}),
    "dilated": ((9, 9), {"kernel_size": 3, "dilation_rate": 2, "padding": "same", "groups": 2}),
    "valid, no bias": ((6, 6), {"kernel_size": 3, "groups": 2, "use_bias": False, "activation": "relu"}),
    "one group": ((6, 6), {"kernel_size": 3}),
}


def outcome(layer, inputs, compute):
    """The output, its gradients, and the gradients of these."""

    @tf.function(autograph=False)
    def whole():
        images, kernel = tf.constant(inputs), layer.kernel.value
        outputs = compute(images)
        first = tf.gradients(tf.reduce_sum(outputs**3), [images, kernel])
        return outputs, *first, *tf.gradients(sum(tf.reduce_sum(each**2) for each in first), [images, kernel])

    return [array.numpy() for array in whole()]


@pytest.mark.parametrize(("sides", "options"), CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_a_convolution_computes_what_keras_computes(sides, options):
    layer = keras.layers.Conv2D(8, **options)
    layer.build((None, *sides, 4))
    inputs = RANDOM.normal(size=(3, *sides, 4)).astype(np.float32)
    computation = COMPUTATIONS[keras.layers.Conv2D]
    own = outcome(layer, inputs, lambda images: computation(layer, images, True))
    for mine, theirs in zip(own, outcome(layer, inputs, layer.call), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())


GROUPED = [
    {"Reshape": {"target_shape": [2, 2, 2]}},
    {"Conv2D": {"filters": 4, "kernel_size": 2, "padding": "same", "groups": 2, "activation": "tanh"}},
    "Flatten",
    {"Dense": {"units": 1}},
]


@pytest.mark.parametrize("jit", [False, True])
def test_steps_train_as_with_keras_way(monkeypatch, jit):
    """With a penalty, whose gradients are gradients of gradients."""
    config = tiny_config(discriminator=GROUPED, penalty={"r1": {"weight": 1.0}})
    rows = []
    for here in (True, False):
        monkeypatch.setattr(tensorflow_layers, "has_grouped_gradients", lambda here=here: here)
        rows.append(build(config, jit=jit).train(3))
    np.testing.assert_allclose(*rows, rtol=1e-4, atol=1e-5)


def test_steps_have_no_program_of_xla(monkeypatch):
    def kinds():
        graph = build(tiny_config(discriminator=GROUPED)).steps._chunk.get_concrete_function().graph.as_graph_def()
        functions = graph.library.function
        return {"xla" for function in functions if function.attr["_XlaMustCompile"].b}

    assert kinds() == set()
    monkeypatch.setattr(tensorflow_layers, "has_grouped_gradients", lambda: False)
    assert kinds() == {"xla"}


@pytest.mark.slow
@pytest.mark.parametrize("onednn", ["0", "1"])
def test_the_gradients_are_there_by_onednn(onednn):
    program = "from ganlab.backends import tensorflow_layers as layers; print(layers.has_grouped_gradients())"
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout == f"{onednn == '1'}\n", done.stderr
