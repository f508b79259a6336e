"""The Inception network of 2015-12-05 in Keras layers, whose features FID, KID and the Inception Score are made of."""

from typing import TYPE_CHECKING, Any

from ganlab.metrics.inception_layers import BLOCKS, CLASSES, SIDE, STEM, Pool, Step

if TYPE_CHECKING:
    import keras


def build_inception() -> "keras.Model":
    """The network without its batch normalizations, which are folded into the convolutions before them.

    Returns:
        A model of images (N, 299, 299, 3) in [-1, 1] with outputs features (N, 2048) and probabilities (N, 1008).
        Its convolutions are named as in the frozen graph, with _ for /.
    """
    import keras
    from keras import layers

    images = keras.Input((SIDE, SIDE, 3), dtype="float32")
    outputs = images
    for name, _, step in STEM:
        outputs = _apply(step, [name], outputs)
    for block in BLOCKS:
        branches = []
        for branch in block.branches:
            inner = outputs
            for step, names in branch.named_steps():
                inner = _apply(step, [f"{block.name}/{name}" for name, _ in names], inner)
            branches.append(inner)
        outputs = layers.Concatenate(dtype="float32", name=f"{block.name}_join")(branches)
    features = layers.GlobalAveragePooling2D(dtype="float32", name="pool_3")(outputs)
    logits = layers.Dense(CLASSES, use_bias=False, dtype="float32", name="logits")(features)
    probabilities = layers.Softmax(dtype="float32", name="probabilities")(logits)
    return keras.Model(images, {"features": features, "probabilities": probabilities}, name="inception")


def _apply(step: Step, names: list[str], inputs: Any) -> Any:
    from keras import layers

    if isinstance(step, Pool):
        pooling = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}[step.kind]
        return pooling(3, strides=step.strides, padding=step.padding, dtype="float32")(inputs)
    outputs = []
    for each, name in zip(step if isinstance(step, tuple) else [step], names, strict=True):
        # float32 whatever precision the networks under test have; zeros, because the weights are read from a file.
        options = {"activation": "relu", "kernel_initializer": "zeros", "dtype": "float32", "padding": each.padding}
        layer = layers.Conv2D(each.filters, each.kernel, each.strides, name=name.replace("/", "_"), **options)
        outputs.append(layer(inputs))
    return outputs[0] if len(outputs) == 1 else layers.Concatenate(dtype="float32")(outputs)
