"""Well-known networks as YAML: each is built, runs, and computes what its paper says."""

import numpy as np
import pytest
from keras import ops

from ganlab.config.network import Network as Written
from ganlab.config.reader import parse_yaml
from ganlab.models.compiler import compile_network
from ganlab.models.network import Network

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(-1, 1, (4, 8, 8, 3)).astype(np.float32)
LATENTS = RANDOM.standard_normal((4, 6)).astype(np.float32)
LABELS = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]]


def written(text: str) -> Written:
    return Written.model_validate({"layers": parse_yaml(text, "n.yaml").data, "optimizer": "SGD"})


def network_of(text: str, precision: str = "float32", **inputs: tuple) -> Network:
    return compile_network(written(text), inputs, pytest.fail, "network", precision)


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


PROJECTION = """
- Conv2D: {filters: 5, kernel_size: 3, strides: 2, padding: same, activation: relu}
- GlobalSumPooling2D: {name: features}
- merge: Add
  branches:
    realness: [Dense: {units: 1, name: realness}]
    match:
      - merge: {Dot: {axes: 1}}
        branches:
          features: []
          class: [Labels, Dense: {units: 5, use_bias: false, name: embedding}]
"""


def test_a_projection_discriminator_adds_how_well_features_match_their_class():
    """Miyato and Koyama 2018, arXiv 1802.05637, equation 4."""
    network = network_of(PROJECTION, input=(8, 8, 3), labels=(3,))
    values = {"input": IMAGES, "labels": LABELS}
    found = {name: numpy(value) for name, value in network.run(values, features=network.features).items()}
    expected = found["realness"] + (found["features"] * found["embedding"]).sum(1, keepdims=True)
    assert network.features == ("features", "realness", "embedding") and found["output"].shape == (4, 1)
    np.testing.assert_allclose(found["output"], expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(numpy(network({"input": IMAGES, "labels": LABELS[::-1]})), found["output"])


CONDITIONAL = """
- Dense: {units: 64}
- Reshape: {target_shape: [4, 4, 4]}
- merge: Add
  branches:
    residual:
      - ConditionalBatchNormalization: {gamma_initializer: random_normal}
      - ReLU
      - UpSampling2D
      - Conv2D: {filters: 4, kernel_size: 3, padding: same}
    shortcut: [UpSampling2D]
- Conv2D: {filters: 3, kernel_size: 3, padding: same, activation: tanh}
"""


def test_a_generator_with_conditional_batch_normalization_makes_other_images_of_each_class():
    network = network_of(CONDITIONAL, input=(6,), labels=(3,))
    one = np.repeat(LATENTS[:1], 3, axis=0)
    for training in (False, True):
        images = numpy(network({"input": one, "labels": np.eye(3)}, training=training))
        assert images.shape == (3, 8, 8, 3) and np.isfinite(images).all()
        assert min(np.abs(images[a] - images[b]).max() for a, b in ((0, 1), (0, 2), (1, 2))) > 1e-4
    table = next(v for v in network.trainable_variables if v.path.endswith("gamma"))
    assert table.shape == (3, 4)


U_NET = """
- Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu, name: large}
- MaxPooling2D
- Conv2D: {filters: 8, kernel_size: 3, padding: same, activation: relu, name: small}
- MaxPooling2D
- Conv2D: {filters: 8, kernel_size: 3, padding: same, activation: relu}
- UpSampling2D
- merge: Concatenate
  branches: {below: [], skip: [Output: {of: small}]}
- Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu}
- UpSampling2D
- merge: {Concatenate: {name: joined}}
  branches: {below: [], skip: [Output: {of: large}]}
- Conv2D: {filters: 3, kernel_size: 1, activation: tanh}
"""


def test_a_u_net_hands_what_it_saw_on_the_way_down_to_the_way_up():
    """Ronneberger et al. 2015, arXiv 1505.04597, figure 1."""
    network = network_of(U_NET, input=(8, 8, 3))
    found = network.run(IMAGES, features=["large", "joined"])
    assert network.inputs == ("input",) and network.output_shape == (8, 8, 3)
    np.testing.assert_array_equal(numpy(found["joined"])[..., 4:], numpy(found["large"]))
    np.testing.assert_allclose(network.predict(IMAGES), numpy(found["output"]), rtol=1e-4, atol=1e-5)


VIRTUAL = """
- Dense: {units: 32, use_bias: false}
- VirtualBatchNormalization: &norm {reference_size: 8}
- ReLU
- Reshape: {target_shape: [4, 4, 2]}
- Conv2DTranspose: {filters: 3, kernel_size: 4, strides: 2, padding: same}
- VirtualBatchNormalization: *norm
"""


def test_with_virtual_batch_normalization_an_image_depends_on_its_own_latents_alone():
    """Salimans et al. 2016, arXiv 1606.03498, section 3.4."""
    network = network_of(VIRTUAL, input=(6,))
    network.references["input"].batch.assign(RANDOM.standard_normal((8, 6)))
    images = numpy(network(LATENTS, training=True))
    np.testing.assert_allclose(numpy(network(LATENTS[:1], training=True)), images[:1], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(network.predict(LATENTS), images, rtol=1e-3, atol=1e-4)


GROWING = """
- Reshape: {target_shape: [2, 2, 1]}
- Conv2D: {filters: 4, kernel_size: 3, padding: same}
- phases: [1]
  layers: [Conv2D: {filters: 3, kernel_size: 1, name: colours}]
- phases: [2]
  layers:
    - merge: Fade
      branches:
        old: [Conv2D: {filters: 3, kernel_size: 1, name: colours}, UpSampling2D]
        new: [UpSampling2D, Conv2D: {filters: 4, kernel_size: 3, padding: same}, Conv2D: {filters: 3, kernel_size: 1}]
"""


def test_a_growing_network_fades_from_the_old_resolution_to_the_new():
    """Karras et al. 2018, arXiv 1710.10196, figure 2."""
    inputs = {"input": (4,), "fade": (1,)}
    first, second = (compile_network(written(GROWING).in_phase(n), inputs, pytest.fail, "network") for n in (1, 2))
    assert (first.inputs, first.output_shape) == (("input",), (2, 2, 3))
    assert (second.inputs, second.output_shape) == (("input", "fade"), (4, 4, 3))
    shared = {v.path: v for v in second.variables}.keys() & {v.path for v in first.variables}
    # A name that stands again in another phase carries its weights over, such as the old way to colours.
    assert shared == {f"{layer}/{weight}" for layer in ("conv2d", "colours") for weight in ("kernel", "bias")}
    latents = LATENTS[:, :4]
    images = [numpy(second({"input": latents, "fade": np.full((4, 1), f)})) for f in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(images[1], (images[0] + images[2]) / 2, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(images[0][:, ::2, ::2], images[0][:, 1::2, 1::2])  # the old one, up-sampled
    assert not np.allclose(images[2][:, ::2, ::2], images[2][:, 1::2, 1::2])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (CONDITIONAL, {"input": LATENTS, "labels": LABELS}),
        (PROJECTION, {"input": IMAGES, "labels": LABELS}),
        (VIRTUAL, {"input": LATENTS}),
        (U_NET, {"input": IMAGES}),
    ],
    ids=["conditional", "projection", "virtual", "U-Net"],
)
def test_mixed_precision_gives_nearly_the_same(text, values):
    shapes = {name: array.shape[1:] for name, array in values.items()}
    mixed, plain = (network_of(text, precision, **shapes) for precision in ("mixed_bfloat16", "float32"))
    mixed.model.set_weights([np.random.default_rng(1).uniform(0.1, 1, w.shape) for w in mixed.model.get_weights()])
    plain.model.set_weights(mixed.model.get_weights())
    found, expected = (numpy(ops.cast(network(values, training=True), "float32")) for network in (mixed, plain))
    assert ops.convert_to_numpy(mixed(values)).dtype != np.float32
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.1 * np.abs(expected).max())
