"""Data-parallel training: several devices share each batch and end where one does. The devices are parts of this CPU."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from ganlab.errors import ConfigError
from tests.backends.families import DENSE
from tests.training.tiny import BACKEND, build, tiny_config

STEPS = 5
_NORMALIZED = DENSE | {"train": {"ema": 0.9}}
# What the GAN is, and whether the loop over a chunk is compiled too.
GANS = {
    "batch normalization": (_NORMALIZED, True),
    "batch normalization, step by step": (_NORMALIZED, False),
    "WGAN-GP": ({"loss": "wasserstein", "penalty": {"wgan_gp": {}}, "train": {"discriminator_steps": 2}}, True),
}


def write_results(path: str) -> None:
    """What one device and two find, on JAX with two simulated ones."""
    found = {}
    for name, (options, jit) in GANS.items():
        for devices in (1, 2):
            with BACKEND.on_devices(devices):
                tiny = build(tiny_config(**options), jit=jit)
            arrays = {"rows": tiny.train(STEPS, room=STEPS)} | tiny.snapshot()
            found |= {f"{name}/{devices}/{key}": array for key, array in arrays.items()}
            # An inference of a size that devices cannot share goes on as before.
            images = tiny.models.sampled.predict(np.ones((3, 3), np.float32))
            places = {len(variable.value.sharding.device_set) for variable in tiny.steps.variables}
            found |= {f"{name}/{devices}/images": images, f"{name}/{devices}/places": np.array(sorted(places))}
            draws = tiny.draws.take(0, STEPS)
            numbers = (draws, 0, STEPS) if jit else ({key: array[0] for key, array in draws.items()}, 0)
            state = [variable.value for variable in tiny.steps.variables]
            program = tiny.steps._chunk.lower(state, tiny.steps.data, *numbers).compile().as_text()
            found[f"{name}/{devices}/sums between devices"] = np.array(program.count("all-reduce("))
    try:
        BACKEND.on_devices(3)
    except ConfigError as error:
        found["too many"] = np.array(str(error))
    np.savez(path, **found)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    if not importlib.util.find_spec("jax"):
        pytest.skip("jax is not installed; pip install 'ganlab[jax]'")
    path = tmp_path_factory.mktemp("devices") / "found.npz"
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    simulated = {"KERAS_BACKEND": "jax", "XLA_FLAGS": flags}
    program = f"from {__name__} import write_results; write_results({str(path)!r})"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], env=os.environ | simulated, check=True)
    with np.load(path) as file:
        return dict(file)


@pytest.mark.slow
@pytest.mark.parametrize("name", GANS)
class TestTwoDevices:
    def test_end_where_one_does_within_rounding(self, found, name):
        one, two = (
            {key.removeprefix(f"{name}/{n}/"): v for key, v in found.items() if key.startswith(f"{name}/{n}/")}
            for n in (1, 2)
        )
        assert one.keys() == two.keys() and len(one) > 20
        for key in one.keys() - {"places", "sums between devices"}:
            np.testing.assert_allclose(two[key], one[key], rtol=1e-4, atol=2e-5, err_msg=key)

    def test_both_hold_the_weights_and_share_the_work(self, found, name):
        assert found[f"{name}/1/places"].tolist() == [1] and found[f"{name}/2/places"].tolist() == [2]
        assert found[f"{name}/1/sums between devices"] == 0 < found[f"{name}/2/sums between devices"]


@pytest.mark.slow
def test_more_devices_than_there_are_is_a_config_error(found):
    assert str(found["too many"]) == "devices: 3 were asked for, but JAX sees 2 here (cpu:0, cpu:1)"
