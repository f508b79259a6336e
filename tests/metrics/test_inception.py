"""The network of 2015-12-05 against pytorch-fid's and torch-fidelity's, all with the same random weights."""

from pathlib import Path

import numpy as np
import pytest

from ganlab.metrics.inception import BLOCKS, SIDE, STEM, Conv, build_inception, convolution_names
from ganlab.metrics.inception_weights import set_weights
from ganlab.metrics.resizing import behind_resizing
from tests.metrics.inception_samples import photographs, random_weights, torch_state
from tests.metrics.peers import import_peer

# Side and channels after each block, and the weights of its convolutions, as in keras.applications.InceptionV3, which has
# the same convolutions.
PUBLISHED = [
    (35, 192, 171_872),  # the layers before the first block
    (35, 256, 426_848 - 171_872),
    (35, 288, 276_480),
    (35, 288, 284_160),
    (17, 768, 1_152_000),
    (17, 768, 1_294_336),
    (17, 768, 1_687_552),
    (17, 768, 1_687_552),
    (17, 768, 2_138_112),
    (8, 1280, 1_695_744),
    (8, 2048, 5_038_080),
    (8, 2048, 6_070_272),
]


def followed(steps, side, channels):
    """(side, channels, weights of the convolutions) after steps in a row."""
    weights = 0
    for step in steps:
        if isinstance(step, str):
            side = (side - 3) // 2 + 1 if step == "halve" else side
            continue
        pair = [step] if isinstance(step, Conv) else step
        weights += sum(channels * conv.filters * np.prod(conv.kernel) for conv in pair)
        ((side, channels),) = {
            (
                side if conv.padding == "same" else (side - conv.kernel[0]) // conv.strides + 1,
                sum(c.filters for c in pair),
            )
            for conv in pair
        }
    return side, channels, weights


def test_each_block_has_the_published_shape_and_number_of_weights():
    found = [followed([step for _, _, step in STEM], SIDE, 3)]
    for _, _, branches in BLOCKS:
        ends = [followed(branch.steps, *found[-1][:2]) for branch in branches]
        (side,) = {side for side, _, _ in ends}
        found.append((side, sum(channels for _, channels, _ in ends), sum(weights for _, _, weights in ends)))
    assert found == PUBLISHED


@pytest.fixture(scope="module")
def network():
    return build_inception()


@pytest.fixture(scope="module")
def weights(network):
    weights = random_weights(network)
    set_weights(network, weights, Path("random"))
    return weights


# Of the first block, the first that halves the side and the first whose branches part, as in the two published files.
NAMES = {
    "Mixed_5b": """
        mixed/conv branch1x1
        mixed/tower/conv branch5x5_1
        mixed/tower/conv_1 branch5x5_2
        mixed/tower_1/conv branch3x3dbl_1
        mixed/tower_1/conv_1 branch3x3dbl_2
        mixed/tower_1/conv_2 branch3x3dbl_3
        mixed/tower_2/conv branch_pool""",
    "Mixed_6a": """
        mixed_3/conv branch3x3
        mixed_3/tower/conv branch3x3dbl_1
        mixed_3/tower/conv_1 branch3x3dbl_2
        mixed_3/tower/conv_2 branch3x3dbl_3""",
    "Mixed_7b": """
        mixed_9/conv branch1x1
        mixed_9/tower/conv branch3x3_1
        mixed_9/tower/mixed/conv branch3x3_2a
        mixed_9/tower/mixed/conv_1 branch3x3_2b
        mixed_9/tower_1/conv branch3x3dbl_1
        mixed_9/tower_1/conv_1 branch3x3dbl_2
        mixed_9/tower_1/mixed/conv branch3x3dbl_3a
        mixed_9/tower_1/mixed/conv_1 branch3x3dbl_3b
        mixed_9/tower_2/conv branch_pool""",
}


@pytest.mark.parametrize("block", NAMES)
def test_convolutions_have_the_names_of_the_published_files(block):
    found = [(name, torch_name) for name, torch_name in convolution_names() if torch_name.startswith(f"{block}.")]
    expected = [line.split() for line in NAMES[block].split("\n")[1:]]
    assert found == [(name, f"{block}.{torch_name}") for name, torch_name in expected]


def softmax_without_biases(logits, weights):
    powers = np.exp(logits.astype(np.float64) - weights["softmax/biases"])
    return powers / powers.sum(axis=1, keepdims=True)


def test_the_network_has_94_convolutions_and_the_published_shapes(network):
    assert len(set(convolution_names())) == 94
    assert network.input_shape == (None, 299, 299, 3)
    assert network.output["features"].shape == (None, 2048)
    assert network.output["probabilities"].shape == (None, 1008)
    shapes = {name: network.get_layer(f"{name}_join").output.shape[1:] for name in ("mixed", "mixed_3", "mixed_8")}
    assert shapes == {"mixed": (35, 35, 256), "mixed_3": (17, 17, 768), "mixed_8": (8, 8, 1280)}


def test_features_and_logits_are_those_of_pytorch_fid(network, weights, monkeypatch):
    peer = import_peer("pytorch_fid.inception")
    import torch

    monkeypatch.setattr(peer, "load_state_dict_from_url", lambda *_, **__: torch_state(weights))
    theirs = peer.fid_inception_v3().eval()
    images = photographs(3, 299).astype(np.float32) / 127.5 - 1
    pooled = []
    theirs.avgpool.register_forward_hook(lambda module, inputs, output: pooled.append(output.numpy()))
    with torch.no_grad():
        logits = theirs(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
    ours = network.predict_on_batch(images)
    assert pooled[0].std() > 0.5  # neither has died on the way
    assert np.abs(ours["features"] - pooled[0][:, :, 0, 0]).max() < 1e-4
    assert np.abs(ours["features"] @ weights["softmax/weights"] + weights["softmax/biases"] - logits).max() < 1e-4
    assert np.abs(ours["probabilities"] - softmax_without_biases(logits, weights)).max() < 1e-4


@pytest.mark.parametrize("side", [40, 320])
def test_from_bytes_to_features_all_is_as_in_torch_fidelity(network, weights, tmp_path, side):
    peer = import_peer("torch_fidelity.feature_extractor_inceptionv3")
    import torch

    path = tmp_path / "weights.pth"
    torch.save(torch_state(weights), path)
    names = ["2048", "logits_unbiased"]
    theirs = peer.FeatureExtractorInceptionV3("inception", names, feature_extractor_weights_path=str(path))
    images = photographs(2, side)
    features, logits = theirs(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    ours = behind_resizing(network, (side, side, 3), "tf1_bilinear", lambda pixels: (pixels - 128.0) / 128.0)
    outputs = ours.predict_on_batch(images.astype(np.float32))
    assert np.abs(outputs["features"] - features.numpy()).max() < 1e-4
    assert np.abs(outputs["features"] @ weights["softmax/weights"] - logits.numpy()).max() < 1e-4


def test_grey_images_are_seen_as_rgb_ones(network, weights):
    grey = photographs(2, 40)[..., :1].astype(np.float32)
    outputs = [
        behind_resizing(network, images.shape[1:], "tf1_bilinear", lambda pixels: pixels / 128 - 1).predict_on_batch(
            images
        )
        for images in (grey, np.repeat(grey, 3, axis=-1))
    ]
    assert np.allclose(outputs[0]["features"], outputs[1]["features"], atol=1e-5)


def test_average_pooling_does_not_count_the_padding(network):
    import keras

    pool = next(layer for layer in network.layers if isinstance(layer, keras.layers.AveragePooling2D))
    ones = np.ones((1, 35, 35, 192), np.float32)
    assert np.asarray(pool(ones)).min() == 1
    maxima = [
        layer for layer in network.layers if isinstance(layer, keras.layers.MaxPooling2D) and layer.strides == (1, 1)
    ]
    assert [layer.output.shape[1:] for layer in maxima] == [(8, 8, 2048)]  # of the last block alone


def test_the_precision_of_the_networks_under_test_does_not_reach_the_extractor():
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layers = build_inception().layers[1:]  # the first is the input, whose type is its own
    finally:
        keras.config.set_dtype_policy(policy)
    assert {layer.compute_dtype for layer in layers} == {"float32"}
