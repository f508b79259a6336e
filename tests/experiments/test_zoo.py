"""The published GANs of experiments/zoo: each has the parameters of its source, and ends in the shape of its data."""

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest

from ganlab.config.loading import load_config
from ganlab.data.registry import published_form

keras = pytest.importorskip("keras")

ZOO = Path(__file__).parents[2] / "experiments" / "zoo"
CONFIGS = sorted(path.name for path in ZOO.glob("*.yaml"))
COUNTS = {row["file"]: row for row in csv.DictReader((ZOO / "counts.csv").open(encoding="utf-8"))}


def build(name: str, network: str):
    from ganlab.models.building import build_network

    config = load_config(ZOO / name)
    return build_network(config, network, published_form(config.data))


@pytest.fixture(scope="module")
def forgotten():
    yield
    keras.utils.clear_session()  # Keras keeps a list of the weights that it would still draw


def count(name: str, network: str) -> tuple[int, int]:
    """The trainable parameters and all parameters of a network."""
    # In this scope weights have shapes and no numbers: drawing 41 million takes longer than building the networks.
    with keras.StatelessScope(initialize_variables=False):
        built = build(name, network)
    return sum(math.prod(v.shape) for v in built.trainable_variables), built.model.count_params()


@pytest.fixture(scope="module")
def counted():
    """Counts of the networks that were built. Many configs share networks and differ in their losses."""
    return {}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_has_the_parameters_of_its_source(name, counted, forgotten):
    config, found = load_config(ZOO / name), {}
    ends = config.ends(published_form(config.data))  # inputs, and the output that the losses need
    for network in ("generator", "discriminator"):
        form = repr((config.networks[network].layers, ends[network], config.precision))
        if form not in counted:
            counted[form] = count(name, network)
        found[f"{network}_trainable"], found[f"{network}_all"] = counted[form]
    assert found == {key: int(COUNTS[name][key]) for key in found}


def test_every_config_has_a_row_and_every_row_a_config():
    assert list(COUNTS) == CONFIGS


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_says_first_what_it_is_and_where_it_is_from(name):
    lines = (ZOO / name).read_text(encoding="utf-8").splitlines()
    comment = " ".join(line[2:] for line in lines[: next(i for i, line in enumerate(lines) if line[:1] != "#")])
    assert "Source" in comment
    printed = {
        int(number.replace(",", "")) for number in re.findall(r"\d{1,3}(?:,\d{3})+", comment.split("Not the same")[0])
    }
    if "arameters printed" in comment:
        assert len(printed) == 2 and printed <= {
            int(n) for key, n in COUNTS[name].items() if key.endswith(("able", "all"))
        }
        assert COUNTS[name]["origin"] == "printed"
    else:
        assert COUNTS[name]["origin"] == "layers"


def test_the_page_has_a_row_for_each_config():
    text = (ZOO / "README.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    assert [f"{row[0].strip('`')}.yaml" for row in rows] == CONFIGS
    for row, counts in zip(rows, COUNTS.values(), strict=True):
        expected = [f"{int(counts[f'{network}_trainable']):,}" for network in ("generator", "discriminator")]
        assert row[-2:] == expected, row[0]


FOLDED = {
    "03-keras-wgan-gp.yaml": ["conv2d", "conv2d_1", "conv2d_2"],
    "33-mimicry-sngan.yaml": ["conv2d_2", "conv2d_5", "conv2d_8"],  # bilinear, so only the shortcuts of single pixels
    "34-studiogan-sngan.yaml": ["conv2d", "conv2d_2", "conv2d_3", "conv2d_5", "conv2d_6", "conv2d_8"],
}


@pytest.mark.parametrize("name", FOLDED)
def test_convolutions_after_up_sampling_fold_in_branches_too(name, forgotten):
    from ganlab.models.folding import fold

    with keras.StatelessScope(initialize_variables=False):
        generator = build(name, "generator")
    plain = {node.name: node.layer for node in generator.nodes}
    changed = [node.name for node in fold(generator).nodes if node.layer is not plain[node.name]]
    assert [layer for layer in changed if layer.startswith("conv2d")] == FOLDED[name]


def test_a_residual_generator_makes_the_same_images_folded():
    from ganlab.models.folding import fold

    latents = np.random.default_rng(0).standard_normal((2, 128)).astype(np.float32)
    generator = build("33-mimicry-sngan.yaml", "generator")
    images, same = (keras.ops.convert_to_numpy(network(latents)) for network in (generator, fold(generator)))
    assert images.shape == (2, 32, 32, 3) and images.std() > 0.1
    np.testing.assert_allclose(same, images, atol=1e-4)
