"""Ten steps of each family of models on one backend: `python -m tests.backends.families FILE.npz`, under KERAS_BACKEND.

Keras loads one backend a process, so that test_parity.py runs this once a backend and compares the files. There are no random
layers, whose numbers are each backend's own, and no bias before a batch normalization, whose gradient is rounding alone.
"""

import sys
from pathlib import Path

import numpy as np

from ganlab.models.folding import fold_objective
from ganlab.training.stages import Pass
from tests.training.tiny import ADAM, BACKEND, IMAGES, SGD, build, one_update, tiny_config

STEPS = 10
PICTURES = np.random.default_rng(1).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
RMSPROP = {"RMSprop": {"learning_rate": 0.005}}


def normalized(*layers: dict) -> list:
    """Each layer without a bias, followed by batch normalization and an activation."""
    return [part for layer in layers for part in (layer, {"BatchNormalization": {"momentum": 0.8}}, "LeakyReLU")]


def dense(units: int) -> dict:
    return {"Dense": {"units": units, "use_bias": False}}


def schedule(first: float, last: float) -> dict:
    return {"PolynomialDecay": {"initial_learning_rate": first, "decay_steps": 8, "end_learning_rate": last}}


def convolution(kind: str, filters: int, **more) -> dict:
    return {kind: {"filters": filters, "kernel_size": 3, "padding": "same", **more}}


CRITIC = [*normalized(dense(6)), {"Dense": {"units": 1}}]
DENSE = {"generator": [*normalized(dense(5)), {"Dense": {"units": 8, "activation": "tanh"}}], "discriminator": CRITIC}
CONVOLUTIONAL = {
    "generator": [
        *normalized(dense(12)),
        {"Reshape": {"target_shape": [2, 2, 3]}},
        "UpSampling2D",
        *normalized(convolution("Conv2D", 4, use_bias=False)),
        convolution("Conv2DTranspose", 1, strides=2, activation="tanh"),
    ],
    "discriminator": [
        convolution("Conv2D", 4, strides=2),
        "LeakyReLU",
        *normalized(convolution("Conv2D", 4, strides=2, use_bias=False)),
        "Flatten",
        {"Dense": {"units": 1}},
    ],
}
SPECTRAL = [{"SpectralNormalization": {"layer": {"Dense": {"units": 6}}}}, "LeakyReLU", {"Dense": {"units": 1}}]
L2 = {"L2": {"l2": 0.1}}
REGULARIZED = {
    "generator": [{"Dense": {"units": 8, "kernel_regularizer": L2, "activity_regularizer": L2}}],
    "discriminator": [{"Dense": {"units": 1, "kernel_regularizer": L2, "activity_regularizer": L2}}],
}
MAX_NORM = [
    {"Dense": {"units": 6, "kernel_constraint": {"MaxNorm": {"max_value": 0.5}}}},
    "LeakyReLU",
    {"Dense": {"units": 1}},
]
CLASS_LABELS = (np.arange(len(IMAGES)) % 3).astype(np.int32)
LABELLED = [
    {"merge": "Concatenate", "branches": {"latents": [], "labels": ["Labels"]}},
    {"Dense": {"units": 8, "activation": "tanh"}},
]
CLASSES = [{"Dense": {"units": 6, "activation": "tanh"}}, {"Dense": {"units": 4}}]
PROXIES = [
    {"Dense": {"units": 6, "activation": "tanh"}},
    {
        "merge": "Concatenate",
        "branches": {
            "realness": [{"Dense": {"units": 1}}],
            "embedding": [{"Dense": {"units": 3}}],
            "proxy": ["Labels", dense(3)],
        },
    },
]
CONTRASTIVE = {"generator": LABELLED, "discriminator": PROXIES, "labels": "auxiliary"}
TWO_PROXIES = {
    "generator": LABELLED,
    "discriminator": [
        PROXIES[0],
        {"merge": "Concatenate", "branches": PROXIES[1]["branches"] | {"of_generated": ["Labels", dense(3)]}},
    ],
    "labels": "auxiliary",
}
CODES = {"latent": {"dim": 3, "categorical": [3, 2], "continuous": 2}}
DECAY = {
    "Adam": {
        "learning_rate": {"ExponentialDecay": {"initial_learning_rate": 0.01, "decay_steps": 5, "decay_rate": 0.5}}
    }
}

FAMILIES = {
    "GAN": {"loss": "minimax"},
    "DCGAN": CONVOLUTIONAL | {"train": {"discriminator_batches": "alternate", "share_latents": True}},
    "DCGAN folded": CONVOLUTIONAL,
    "LSGAN": DENSE | {"loss": "least_squares", "optimizer": DECAY},
    "WGAN": DENSE
    | {"loss": "wasserstein", "clip_weights": 0.05, "optimizer": RMSPROP, "train": {"discriminator_steps": 3}},
    "WGAN-GP": DENSE | {"loss": "wasserstein", "penalty": {"wgan_gp": {}}, "train": {"discriminator_steps": 2}},
    "hinge and lazy R1": CONVOLUTIONAL | {"loss": "hinge", "penalty": {"r1": {"weight": 1.0, "every": 4}}},
    "DRAGAN": DENSE | {"penalty": {"dragan": {}, "r2": {}}},
    "relativistic, joint": {
        "discriminator": [*normalized(dense(6)), dense(1)],  # a bias of all outputs cancels in the loss
        "loss": "relativistic",
        "train": {"discriminator_batches": "joint"},
    },
    "moving average": DENSE | {"train": {"ema": 0.9, "generator_steps": 2, "generator_batch_size": 6}},
    "smoothed and flipped labels": {"loss": {"non_saturating": {"real_label": [0.7, 1.0], "flip_labels": 0.2}}},
    "spectral normalization": {"discriminator": SPECTRAL, "loss": "hinge", "train": {"share_latents": True}},
    "regularizers": REGULARIZED | {"optimizer": SGD, "train": {"share_latents": True}},
    "regularizers without shared latents": REGULARIZED | {"optimizer": SGD},
    "constraints": {"discriminator": MAX_NORM, "penalty": {"r1": {}}},
    "bfloat16": {"precision": "mixed_bfloat16", "optimizer": SGD},
    "simultaneous": DENSE | {"train": {"simultaneous": True}},
    "moving statistics": DENSE | {"train": {"discriminator_statistics": "moving", "share_latents": True}},
    "auxiliary": {"generator": LABELLED, "discriminator": CLASSES, "labels": "auxiliary"},
    "contrastive": CONTRASTIVE | {"class_loss": {"contrastive": {"temperature": 0.5}}, "loss": "hinge"},
    "data to data": CONTRASTIVE | {"class_loss": {"data_to_data": {"margin": 0.75, "weight": 0.5}}},
    "discriminative contrastive": TWO_PROXIES | {"class_loss": "discriminative_contrastive"},
    "twin": {
        "generator": LABELLED,
        "discriminator": [*normalized(dense(6)), dense(7)],
        "labels": "auxiliary",
        "class_loss": "twin",
    },
    "InfoGAN": CODES | {"discriminator": [*normalized(dense(6)), {"Dense": {"units": 1 + 3 + 2 + 2}}]},
    "LeCam": DENSE | {"loss": "hinge", "lecam": {"weight": 0.3, "decay": 0.5}, "train": {"discriminator_steps": 2}},
    "accumulated gradients": DENSE
    | {"optimizer": {"Adam": {"learning_rate": 0.01, "beta_1": 0.5, "gradient_accumulation_steps": 2}}},
    "latent consistency": DENSE
    | {"latent_consistency": {"weight": 5.0, "generator_weight": 0.5}, "train": {"share_latents": True}},
    "schedules": DENSE
    | {
        "optimizer": {"Adam": {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": schedule(0.9, 0.5)}},
        "penalty": {"r1": {"weight": schedule(0.5, 2.0)}},
        "adaptive": {"method": "apa", "probability": schedule(0.2, 0.8)},
        "train": {"ema": schedule(0.5, 0.9), "discriminator_steps": 2},
    },
    "mirrored images": CONVOLUTIONAL | {"data": {"name": "digits", "flip": "horizontal"}},
    "APA": DENSE | {"adaptive": {"method": "apa", "target": -1.0, "images": 20, "interval": 2}},
    "semi-supervised": {"discriminator": CLASSES, "labels": "semi_supervised", "optimizer": SGD},
    "minibatch discrimination": {
        "discriminator": [
            {"Dense": {"units": 6, "activation": "tanh"}},
            {"MinibatchDiscrimination": {"kernels": 3, "dimensions": 2}},
            {"Dense": {"units": 1}},
        ],
    },
    "equalized": {
        "generator": [
            {"EqualizedLearningRate": {"layer": {"Dense": {"units": 6}}}},
            "PixelNormalization",
            {"Dense": {"units": 8, "activation": "tanh"}},
        ],
        "discriminator": [
            {"EqualizedLearningRate": {"layer": {"Dense": {"units": 6, "activation": "tanh"}}}},
            "MinibatchStdDev",
            {"Dense": {"units": 1}},
        ],
        "penalty": {"wgan_gp": {}},
    },
    "pixel attention": {
        "generator": CONVOLUTIONAL["generator"],
        "discriminator": [
            convolution("Conv2D", 12, strides=2),
            {
                "merge": "Concatenate",
                "branches": {
                    "everywhere": [{"PixelAttention": {"heads": 2}}],
                    "nearby": [{"PixelAttention": {"heads": 2, "window": 3}}],
                },
            },
            "Flatten",
            {"Dense": {"units": 1}},
        ],
        "penalty": {"r1": {"weight": 1.0}},
    },
    "balanced": {"generator": LABELLED, "labels": "balanced"},
    "E-GAN": DENSE
    | {"objective": {"evolutionary": {"diversity_weight": 0.1}}, "loss": "minimax", "train": {"ema": 0.9}},
    "VAE": {
        "objective": {"vae": {"likelihood": "gaussian", "beta": 0.5}},
        "encoder": [*normalized(dense(7)), {"Dense": {"units": 6}}],
        "generator": DENSE["generator"],
        "train": {"ema": 0.9},
    },
    "VAE of Bernoulli": {
        "objective": "vae",
        "encoder": [*normalized(dense(7)), {"Dense": {"units": 6}}],
        "generator": DENSE["generator"],
    },
}


def trained(name: str):
    """A model of this family after its steps: (Tiny, rows)."""
    tiny = made(name)
    return tiny, tiny.train(STEPS)


def made(name: str, jit: bool = BACKEND.JIT[0]):
    """A model of this family at step 0."""
    options = {"optimizer": ADAM} | FAMILIES[name]
    images = PICTURES if options.get("generator") is CONVOLUTIONAL["generator"] else IMAGES
    change = fold_objective if "folded" in name else lambda objective: objective
    config = tiny_config(**options)
    labels = None if config.labels == "none" else CLASS_LABELS
    tiny = build(config, jit=jit, images=images, change=change, labels=labels)
    if tiny.objective.begin:
        tiny.objective.begin({"images": images, "labels": labels})
    return tiny


def single_updates() -> dict[str, np.ndarray]:
    """Whose weights each update of an alternate step moves, one update at a time: "UPDATE NUMBER/OWNER" -> moved or not."""
    config = tiny_config(**DENSE, optimizer=SGD, train={"discriminator_batches": "alternate"})
    updates = [stage for stage in build(config).objective.stages if not isinstance(stage, Pass)]
    moved = {}
    for number, update in enumerate(updates):
        (moving,) = update.networks
        tiny = build(config, change=one_update(number))
        before = {name: [v.numpy() for v in model.trainable_variables] for name, model in tiny.models.networks.items()}
        tiny.train(1)
        for name, model in tiny.models.networks.items():
            pairs = zip(before[name], model.trainable_variables, strict=True)
            moved[f"{number} {moving}/{name}"] = np.array([not np.array_equal(old, new.numpy()) for old, new in pairs])
    return moved


if __name__ == "__main__":
    found = {f"moved/{name}": array for name, array in single_updates().items()}
    for family in FAMILIES:
        tiny, rows = trained(family)
        found |= {f"{family}/rows": rows} | {f"{family}/state/{name}": array for name, array in tiny.snapshot().items()}
    np.savez(Path(sys.argv[1]), **found)
