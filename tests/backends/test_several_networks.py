"""An update that moves several networks down one loss moves each as an update of its own would."""

import dataclasses

import numpy as np
import pytest
from keras import ops

from ganlab.training.stages import Column, Pass, Update
from tests.training.tiny import BACKEND, SGD, build, tiny_config

L2 = {"L2": {"l2": 0.1}}
CONFIG = {
    "generator": [{"Dense": {"units": 8, "activation": "tanh", "kernel_regularizer": L2}}],
    "discriminator": [{"Dense": {"units": 1, "kernel_regularizer": L2}}],
    "optimizer": SGD,
}
LATENTS = "latents_fake_0"


def moving(*networks: str, through: bool):
    """One update of these networks; with `through` it reads the pass, else it runs the generator itself."""

    def change(objective):
        generator, discriminator = objective.networks["generator"], objective.networks["discriminator"]

        def loss(values, with_lazy):
            fake = values["fake"] if through else generator(values[LATENTS], training=True)
            # The generator's weights are reached twice: through the pass, and beside it.
            again = generator(2.0 * values[LATENTS], training=True)
            value = ops.mean(ops.square(discriminator(fake, training=True) - 1.0)) + ops.mean(ops.square(again))
            return value, {"loss": value}

        stages = [Update(networks, loss, 4, through="fake" if through else None)]
        if through:
            stages.insert(0, Pass("fake", "generator", lambda values: values[LATENTS], 4))
        return dataclasses.replace(objective, stages=tuple(stages), columns=(Column("loss"),))

    return change


def moved(*networks: str, through: bool = False, jit: bool = False) -> dict[str, np.ndarray]:
    tiny = build(tiny_config(**CONFIG), jit, change=moving(*networks, through=through))
    before = tiny.snapshot()
    rows = tiny.train(1)
    weights = {name: array - before[name] for name, array in tiny.snapshot().items() if name.startswith("networks/")}
    return weights | {"loss": rows}


def of_network(found: dict[str, np.ndarray], network: str) -> list[np.ndarray]:
    return [array for name, array in found.items() if name.startswith(f"networks/{network}/")]


@pytest.mark.parametrize("through", [False, True])
@pytest.mark.parametrize("networks", [("generator", "discriminator"), ("discriminator", "generator")])
@pytest.mark.parametrize("jit", BACKEND.JIT)
def test_each_network_moves_by_its_own_part_of_the_gradient(jit, networks, through):
    found = moved(*networks, through=through, jit=jit)
    for network in networks:
        alone = of_network(moved(network), network)
        for ours, expected in zip(of_network(found, network), alone, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-7)
            assert np.abs(ours).max() > 1e-3


def test_networks_that_an_update_does_not_name_stay():
    for network, other in (("generator", "discriminator"), ("discriminator", "generator")):
        assert not any(array.any() for array in of_network(moved(network), other))
