"""Random weights for the Inception network, in the forms in which the published ones are distributed."""

import numpy as np

from ganlab.metrics.inception import CLASSES, FEATURES, convolution_names

TORCH_PARTS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def random_weights(network) -> dict[str, np.ndarray]:
    """float32 arrays named as in the frozen graph, of a size that keeps activations near 1."""
    generator = np.random.default_rng(0)
    weights = {}
    for name, _ in convolution_names():
        shape = network.get_layer(name.replace("/", "_")).kernel.shape
        count = shape[-1]
        weights[f"{name}/conv2d_params"] = generator.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
        weights[f"{name}/batchnorm/gamma"] = generator.uniform(0.7, 1.3, count)
        weights[f"{name}/batchnorm/beta"] = generator.normal(0, 0.1, count)
        weights[f"{name}/batchnorm/moving_mean"] = generator.normal(0, 0.1, count)
        weights[f"{name}/batchnorm/moving_variance"] = generator.uniform(0.7, 1.3, count)
    weights["softmax/weights"] = generator.normal(0, 0.05, (FEATURES, CLASSES))
    weights["softmax/biases"] = generator.normal(0, 0.05, CLASSES)
    return {name: array.astype(np.float32) for name, array in weights.items()}


def torch_state(weights) -> dict:
    """The same as pytorch-fid names and orders them, as torch tensors."""
    import torch

    state = {}
    for name, torch_name in convolution_names():
        state[f"{torch_name}.conv.weight"] = weights[f"{name}/conv2d_params"].transpose(3, 2, 0, 1)
        for part, torch_part in TORCH_PARTS.items():
            state[f"{torch_name}.bn.{torch_part}"] = weights[f"{name}/batchnorm/{part}"]
    state["fc.weight"] = weights["softmax/weights"].T
    state["fc.bias"] = weights["softmax/biases"]
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in state.items()}


def frozen_graph(weights) -> bytes:
    """A serialized GraphDef with the published names: a constant each, and operations between them."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    for name, array in weights.items():
        node = graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = tf.float32.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    graph.node.add(name="conv/Conv2D", op="Conv2D", input=["Mul", "conv/conv2d_params"])
    graph.node.add(name="softmax", op="Softmax", input=["softmax/logits"])
    return graph.SerializeToString()


def photographs(count: int, side: int) -> np.ndarray:
    """uint8 RGB images with coarse and fine structure, shape (count, side, side, 3)."""
    generator = np.random.default_rng(1)
    coarse = np.kron(generator.uniform(0, 200, (count, 5, 5, 3)), np.ones((1, -(-side // 5), -(-side // 5), 1)))
    return (coarse[:, :side, :side] + generator.uniform(0, 55, (count, side, side, 3))).astype(np.uint8)
