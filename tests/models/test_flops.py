from pathlib import Path

import pytest

from ganlab.config.loading import load_config
from ganlab.config.schema import Form
from ganlab.models.building import build_models
from ganlab.models.flops import forward_flops, step_flops
from ganlab.objectives import build_objective
from tests.models.networks import compiled

CONFIGS = Path(__file__).parents[2] / "configs"

LAYERS = [
    ("Dense: {units: 7}", (5,), 2 * 5 * 7),
    ("Dense: {units: 7}", (4, 5), 4 * 2 * 5 * 7),  # once a row
    ("Conv2D: {filters: 3, kernel_size: [2, 4], padding: same}", (8, 6, 5), 8 * 6 * 2 * (2 * 4 * 5 * 3)),
    ("Conv2D: {filters: 3, kernel_size: 3, strides: 2}", (9, 9, 5), 4 * 4 * 2 * (3 * 3 * 5 * 3)),
    ("Conv2D: {filters: 4, kernel_size: 3, groups: 2}", (9, 9, 6), 7 * 7 * 2 * (3 * 3 * 3 * 4)),
    ("Conv1D: {filters: 3, kernel_size: 2}", (8, 5), 7 * 2 * (2 * 5 * 3)),
    # Every input position multiplies the whole kernel into the output.
    (
        "Conv2DTranspose: {filters: 3, kernel_size: 4, strides: 2, padding: same}",
        (7, 7, 5),
        7 * 7 * 2 * (4 * 4 * 5 * 3),
    ),
    ("SpectralNormalization: {layer: {Dense: {units: 7}}}", (5,), 2 * 5 * 7),
    ("EqualizedLearningRate: {layer: {Dense: {units: 7}}}", (5,), 2 * 5 * 7),
    ("LeakyReLU", (5,), 0),
    ("UpSampling2D", (5, 5, 1), 0),
    ("{merge: Add, branches: {a: [Dense: {units: 7}], b: [ReLU, Dense: {units: 7}]}}", (5,), 2 * (2 * 5 * 7)),
    ("{merge: Multiply, branches: {a: [], b: [SpectralNormalization: {layer: {Dense: {units: 5}}}]}}", (5,), 2 * 5 * 5),
]


@pytest.mark.parametrize(("layer", "shape", "expected"), LAYERS)
def test_operations_of_one_layer(layer, shape, expected):
    assert forward_flops(compiled(layer, inputs=shape)) == expected


def test_a_reference_batch_runs_through_the_layers_before_it_is_needed():
    network = compiled(
        "Dense: {units: 7}", "VirtualBatchNormalization: {reference_size: 3}", "Dense: {units: 1}", inputs=(5,)
    )
    assert forward_flops(network) == 2 * (2 * 5 * 7) + 2 * 7


GENERATOR = 2 * (100 * 256 + 256 * 512 + 512 * 1024 + 1024 * 784)
DISCRIMINATOR = 2 * (784 * 512 + 512 * 256 + 256 * 1)


def flops_of_a_step(*changes: str) -> int:
    config = load_config(CONFIGS / "exp01.yaml", changes)
    return step_flops(build_objective(config, build_models(config, Form((28, 28, 1)))))


def test_operations_of_a_step_of_experiment_1():
    # Discriminator: a forward and two backward on 32 real and 32 generated; two generator passes; the generator's update
    # goes forward and back through the discriminator to the images, then back through the generator, which counts double.
    assert flops_of_a_step() == 32 * ((6 + 2) * DISCRIMINATOR + (2 + 2) * GENERATOR)


def test_shared_latents_save_a_pass_of_the_generator():
    assert flops_of_a_step() - flops_of_a_step("train.share_latents=true") == 32 * GENERATOR


def test_every_discriminator_step_costs_its_updates_and_a_pass():
    more = flops_of_a_step("train.discriminator_steps=3") - flops_of_a_step()
    assert more == 2 * 32 * (6 * DISCRIMINATOR + GENERATOR)
