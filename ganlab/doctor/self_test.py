"""`python -m ganlab.doctor.self_test BACKEND`: the devices of a backend, and the losses of a small GAN on each, as JSON lines.

It runs in a process of its own: a driver may hang or crash, and a process can load only one backend.
"""

import json
import os
import sys

import numpy as np

from ganlab.backends.select import select_backend

STEPS = 4
_CONVOLUTION = {"kernel_size": 4, "strides": 2, "padding": "same"}
# With this epsilon a step depends on the size of the gradient. This rate moves the losses by a tenth.
_ADAM = {"Adam": {"learning_rate": 0.2, "beta_1": 0.5, "epsilon": 0.1}}
_CONFIG = {
    "name": "self-test",
    "data": {"name": "digits"},
    "latent": {"dim": 16},
    "generator": {
        "layers": [
            {"Dense": {"units": 128, "use_bias": False}},
            "BatchNormalization",
            "ReLU",
            {"Reshape": {"target_shape": [4, 4, 8]}},
            {"Conv2DTranspose": {"filters": 1, **_CONVOLUTION, "activation": "tanh"}},
        ],
        "optimizer": _ADAM,
    },
    "discriminator": {
        "layers": [{"Conv2D": {"filters": 8, **_CONVOLUTION}}, "LeakyReLU", "Flatten", {"Dense": {"units": 1}}],
        "optimizer": _ADAM,
    },
    "loss": "non_saturating",
    "train": {"steps": STEPS, "batch_size": 32},
}


def losses(backend: str, device: str) -> np.ndarray:
    """Trains the small GAN on one device.

    Args:
        backend: that this process runs on.
        device: a name of `keras.device`, for example "cpu:0" or "gpu:0".

    Returns:
        float64 (STEPS, 2), the losses of discriminator and generator. They are equal on all devices, except for rounding.
    """
    import keras

    from ganlab.backends import load_backend
    from ganlab.config.schema import Form
    from ganlab.models.building import build_models
    from ganlab.objectives import build_objective
    from ganlab.objectives.gan_config import GanConfig
    from ganlab.training.draws import Draws, generator_of

    config, framework = GanConfig.model_validate(_CONFIG), load_backend(backend)
    images = generator_of(config.seed, "self-test").integers(0, 256, (64, 8, 8, 1), np.uint8)
    with keras.device(device):
        objective = build_objective(config, build_models(config, Form(images.shape[1:])), framework.input_gradient)
        numbers = Draws(objective.draws, config.seed, len(images)).take(0, STEPS)
        rows = framework.Steps(objective, {"images": images}, (-1.0, 1.0), jit=False).run(numbers, 0, STEPS)
    return rows[:, [objective.column_names.index(name) for name in ("d_loss", "g_loss")]]


def main(backend: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # keeps the text that frameworks print out of the answers
    select_backend(backend)
    from ganlab.backends import load_backend

    devices = load_backend(backend).list_devices()
    print(json.dumps({"devices": devices}), file=answers, flush=True)
    for device in devices:
        print(json.dumps({"device": device, "losses": losses(backend, device).tolist()}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
