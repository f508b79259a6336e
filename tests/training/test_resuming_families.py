"""Every family of models that a config can describe ends in the same bits, stopped or not, with layers that draw random numbers.

The same rows of history, the same variables, and the same images, which metrics are computed of. On the backend that
GANLAB_TEST_BACKEND names.
"""

import numpy as np
import pytest

from ganlab.runs.folder import RunFolder
from ganlab.training.checkpoints import newest_state, restore, write_state
from ganlab.training.sampling import Sampler
from tests.training.tiny import IMAGES, build, tiny_config

pytestmark = pytest.mark.slow
GENERATOR = [{"Dense": {"units": 5}}, "BatchNormalization", {"Dropout": {"rate": 0.3}}, {"Dense": {"units": 8}}]
NOISE = [{"GaussianNoise": {"stddev": 0.1}}, {"Dense": {"units": 6}}, "LeakyReLU", {"Dropout": {"rate": 0.4}}]
LABELS = (np.arange(len(IMAGES)) % 3).astype(np.int32)
LABELLED = [{"merge": "Concatenate", "branches": {"latents": [], "labels": ["Labels"]}}, *GENERATOR]
HEADS = {"realness": [{"Dense": {"units": 1}}], "embedding": [{"Dense": {"units": 3}}]}
PROXIES = HEADS | {"proxy": ["Labels", {"Dense": {"units": 3, "use_bias": False}}]}
NETWORKS = {"generator": GENERATOR, "discriminator": [*NOISE, {"Dense": {"units": 1}}]}
PICTURES = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
OF_PICTURES = {
    "generator": [{"Dense": {"units": 16}}, "BatchNormalization", {"Reshape": {"target_shape": [4, 4, 1]}}],
    "discriminator": ["Flatten", *NOISE, {"Dense": {"units": 1}}],
}
SPECTRAL = [{"SpectralNormalization": {"layer": {"Dense": {"units": 6}}}}, "LeakyReLU", {"Dropout": {"rate": 0.4}}]
RISING = {"PolynomialDecay": {"initial_learning_rate": 0.3, "decay_steps": 8, "end_learning_rate": 0.9}}
FAMILIES = {
    "GAN": {"loss": "minimax", "train": {"discriminator_batches": "alternate", "share_latents": True}},
    "DCGAN": {"loss": {"non_saturating": {"real_label": [0.8, 1.0], "flip_labels": 0.1}}},
    "LSGAN": {"loss": "least_squares", "train": {"discriminator_batches": "joint", "generator_steps": 2}},
    "WGAN": {
        "loss": "wasserstein",
        "clip_weights": 0.01,
        "train": {"discriminator_steps": 5},
        "optimizer": {"RMSprop": {"learning_rate": 0.001}},
    },
    "WGAN-GP": {"loss": "wasserstein", "penalty": {"wgan_gp": {"weight": 10}}, "train": {"discriminator_steps": 2}},
    "DRAGAN": {"loss": "non_saturating", "penalty": {"dragan": {"weight": 10}}},
    "SNGAN": {"loss": "hinge", "discriminator": [*SPECTRAL, {"Dense": {"units": 1}}]},
    "R1, lazy, with an average": {"loss": "non_saturating", "penalty": {"r1": {"every": 2}}, "train": {"ema": 0.9}},
    "RGAN": {"loss": "relativistic", "penalty": {"r2": {"weight": 1}}},
    "simultaneous": {"loss": "hinge", "train": {"simultaneous": True}},
    "ReACGAN": {
        "labels": "auxiliary",
        "class_loss": "data_to_data",
        "generator": LABELLED,
        "discriminator": [*NOISE, {"merge": "Concatenate", "branches": PROXIES}],
    },
    "InfoGAN": {
        "latent": {"dim": 3, "categorical": [2], "continuous": 1},
        "discriminator": [*NOISE, {"Dense": {"units": 1 + 2 + 1}}],
    },
    "ContraGAN": {
        "labels": "auxiliary",
        "class_loss": "contrastive",
        "generator": LABELLED,
        "discriminator": [*NOISE, {"merge": "Concatenate", "branches": PROXIES}],
    },
    "TAC-GAN": {
        "labels": "auxiliary",
        "class_loss": "twin",
        "generator": LABELLED,
        "discriminator": [*NOISE, {"Dense": {"units": 1 + 3 + 3}}],
    },
    "semi-supervised": {"labels": "semi_supervised", "discriminator": [*NOISE, {"Dense": {"units": 4}}]},
    "accumulated gradients": {"optimizer": {"Adam": {"learning_rate": 0.01, "gradient_accumulation_steps": 2}}},
    "moving statistics": {
        "discriminator": [*NOISE, "BatchNormalization", {"Dense": {"units": 1}}],
        "train": {"discriminator_statistics": "moving"},
    },
    "LeCam": {"loss": "hinge", "lecam": {"weight": 0.3}, "penalty": {"r1": {"every": 2}}},
    "schedules": {
        "penalty": {"r1": {"weight": RISING}},
        "adaptive": {"method": "apa", "probability": RISING},
        "train": {"ema": RISING},
        "optimizer": {"Adam": {"beta_2": RISING}},
    },
    "APA": {"adaptive": {"method": "apa", "target": -1.0, "images": 20, "interval": 2}},
    "latent consistency": {"latent_consistency": {"weight": 5.0, "generator_weight": 0.5}},
    "ADA and consistency": OF_PICTURES
    | {"adaptive": {"method": "ada", "target": -1.0, "images": 20}, "consistency": {"weight": 1.0, "fake_weight": 1.0}},
    "mirrored images": OF_PICTURES | {"data": {"name": "digits", "flip": "horizontal"}},
    "E-GAN": {"objective": "evolutionary", "loss": "minimax", "train": {"ema": 0.9}},
    "VAE": {"objective": {"vae": {"likelihood": "gaussian"}}, "train": {"ema": 0.9}},
    "VAE of Bernoulli": {"objective": {"vae": {"beta": 2.0}}},
}


CASES = [pytest.param(family, False, id=name) for name, family in FAMILIES.items()]
CASES.append(pytest.param(FAMILIES["R1, lazy, with an average"], True, id="compiled by XLA"))


def config_of(family: dict):
    if "vae" in family.get("objective", ()):
        return tiny_config(encoder=[*NOISE, {"Dense": {"units": 6}}], generator=GENERATOR, **family)
    return tiny_config(**{**NETWORKS, **family})


@pytest.mark.parametrize(("family", "jit"), CASES)
def test_a_family_stopped_at_any_step_goes_on_to_the_same_bits(family, jit, tmp_path):
    config = config_of(family)
    labels = None if config.labels == "none" else LABELS
    data = {"images": PICTURES if family.get("generator") is OF_PICTURES["generator"] else IMAGES, "labels": labels}
    folder, whole = RunFolder(tmp_path), build(config, jit, **data)
    folder.history.write_text("step,seconds\n" + "".join(f"{step},0.1\n" for step in range(1, 6)))
    rows = [whole.train(1)]
    for stop in range(1, 6):  # in chunks of one step: the state after each of them is kept
        write_state(folder, stop, whole.snapshot(), {})
        rows.append(whole.train(1))
    drawn = Sampler(whole.models.sampled, config).draw(7, "metrics")
    resumed = build(config, jit, **data)
    for step in (5, 4, 3, 2, 1):
        _, arrays, _ = newest_state(folder)
        restore(resumed.objective.variables(), arrays, "state")
        resumed.done = step
        found = resumed.train(6 - step, 4)
        np.testing.assert_array_equal(found, np.concatenate(rows[step:]))
        differing = [
            name for name, array in whole.snapshot().items() if not np.array_equal(array, resumed.snapshot()[name])
        ]
        assert differing == []
        np.testing.assert_array_equal(Sampler(resumed.models.sampled, config).draw(7, "metrics"), drawn)
        folder.set_aside(folder.state(step))
