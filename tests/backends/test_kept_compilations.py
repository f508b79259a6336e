"""JAX keeps what XLA compiles, for later processes."""

import random

import keras
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("JAX's compilations", allow_module_level=True)

import jax
from jax.experimental.compilation_cache import compilation_cache

from ganlab.backends.jax import keep_compilations
from tests.training.tiny import build, tiny_config


@pytest.fixture
def settings():
    """JAX's settings, as before after the test."""
    names = (
        "jax_compilation_cache_dir",
        "jax_compilation_cache_max_size",
        "jax_persistent_cache_min_compile_time_secs",
    )
    before = {name: getattr(jax.config, name) for name in names}
    compilation_cache.reset_cache()
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def test_a_compilation_is_in_the_folder(settings, tmp_path):
    jax.config.update("jax_compilation_cache_dir", None)
    keep_compilations(tmp_path / "jax")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.jit(lambda x: x * 3 + 1)(2.0).block_until_ready()
    assert any(path.name.endswith("-cache") for path in (tmp_path / "jax").iterdir())


def test_the_users_own_folder_stays(settings, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "own"))
    keep_compilations(tmp_path / "jax")
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "own")


def test_a_config_is_the_same_program_wherever_its_variables_lie_in_memory():
    """Otherwise no process finds what another has compiled. The branch of a lazy penalty returns the dropouts' seeds."""
    dropouts = [{"Dropout": {"rate": 0.5}}] * 4
    config = tiny_config(
        discriminator=[*dropouts, {"Dense": {"units": 1}}], penalty={"r1": {"weight": 1.0, "every": 2}}
    )

    def program(seed):
        holes = [keras.Variable(0.0) for _ in range(200)]
        random.Random(seed).shuffle(holes)
        while holes:  # Python gives new variables these places, the last one first
            holes.pop()
        tiny = build(config)
        numbers = {name: array[0] for name, array in tiny.draws.take(0, 1).items()}
        state = [variable.value for variable in tiny.steps.variables]
        return tiny.steps._chunk.lower(state, tiny.steps.data, numbers, 0).as_text()

    assert program(0) == program(1)
