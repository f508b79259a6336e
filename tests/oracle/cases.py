"""Configs that the oracle is asked about: named ones, and combinations in which every two values of two switches meet."""

import itertools
import random
from typing import Any

from tests.training.tiny import tiny_config

NORMALIZED = ["BatchNormalization", "LeakyReLU"]
HIDDEN = {"units": 6, "use_bias": False, "name": "hidden"}
CRITIC = [{"Dense": HIDDEN}, *NORMALIZED, {"Dense": {"units": 1}}]
CLASS = {"merge": "Concatenate", "branches": {"input": [], "class": ["Labels"]}}
TANH = {"units": 5, "activation": "tanh"}
NETWORKS = {
    "tanh": {"discriminator": [{"Dense": {**TANH, "name": "hidden"}}, {"Dense": {"units": 1}}]},
    "batch normalization": {
        "generator": [
            {"Dense": {"units": 5, "use_bias": False}},
            *NORMALIZED,
            {"Dense": {"units": 8, "activation": "tanh"}},
        ],
        "discriminator": CRITIC,
    },
    "labels": {
        "labels": "conditional",
        "generator": [CLASS, {"Dense": TANH}, {"Dense": {"units": 8, "activation": "sigmoid"}}],
        "discriminator": [CLASS, {"Dense": {"units": 6, "name": "hidden"}}, "LeakyReLU", {"Dense": {"units": 1}}],
    },
}
NETWORKS |= {
    "auxiliary": NETWORKS["labels"]
    | {"labels": "auxiliary", "discriminator": [{"Dense": {**TANH, "name": "hidden"}}, {"Dense": {"units": 4}}]},
    "semi_supervised": {
        "labels": "semi_supervised",
        "discriminator": [{"Dense": HIDDEN}, *NORMALIZED, {"Dense": {"units": 4}}],
    },
    "balanced": NETWORKS["labels"] | {"labels": "balanced"},
}
# A logit, an embedding and the proxy of the class.
_PARTS = {
    "realness": [{"Dense": {"units": 1, "use_bias": False}}],
    "embedding": [{"Dense": {"units": 2}}],
    "proxy": ["Labels", {"Dense": {"units": 2, "use_bias": False}}],
}
PROXIES = NETWORKS["auxiliary"] | {
    "discriminator": [{"Dense": {**TANH, "name": "hidden"}}, {"merge": "Concatenate", "branches": _PARTS}]
}
TWIN = NETWORKS["auxiliary"] | {
    "discriminator": [{"Dense": {**TANH, "name": "hidden"}}, {"Dense": {"units": 7, "use_bias": False}}]
}
CLASS_LOSSES = {
    "contrastive": PROXIES | {"class_loss": {"contrastive": {"temperature": 0.5}}},
    "data to data": PROXIES | {"class_loss": {"data_to_data": {"weight": 0.5, "margin": 0.75}}},
    "twin": TWIN | {"class_loss": {"twin": {"weight": 0.5}}},
    "discriminative": TWIN | {"class_loss": "discriminative"},
    "cross-entropy of real images": NETWORKS["auxiliary"] | {"class_loss": {"cross_entropy": {"fake_weight": 0.0}}},
    "weighted cross-entropy": NETWORKS["auxiliary"]
    | {"class_loss": {"cross_entropy": {"weight": 2.0, "fake_weight": 0.5}}},
}
INFOGAN = {
    "latent": {"dim": 2, "categorical": [3, 2], "continuous": 2},
    "code_loss": {"categorical": 2.0, "continuous": 0.5},
    "discriminator": [{"Dense": {**TANH, "name": "hidden"}}, {"Dense": {"units": 8, "use_bias": False}}],
}
DECAY = {"ExponentialDecay": {"initial_learning_rate": 0.02, "decay_steps": 2, "decay_rate": 0.5}}
OPTIMIZERS = {
    "SGD": {"SGD": {"learning_rate": 0.1}},
    "Adam": {"Adam": {"learning_rate": 0.01, "beta_1": 0.5}},
    "RMSprop": {"RMSprop": {"learning_rate": 0.005}},
    "momentum": {"SGD": {"learning_rate": 0.05, "momentum": 0.5, "nesterov": True}},
    "decay": {"Adam": {"learning_rate": DECAY}},
}
SHARED = {"share_latents": True}
TURNS = {
    "one turn": {},
    "three turns": {"discriminator_steps": 3},
    "shared": SHARED,
    "two turns, shared": {**SHARED, "discriminator_steps": 2},
    "two generator turns": {"generator_steps": 2, "generator_batch_size": 6},
    "simultaneous": {"simultaneous": True},
}
PENALTIES = {
    "no penalty": {},
    "wgan_gp": {"wgan_gp": {}},
    "dragan": {"dragan": {"weight": 2.0}},
    "lazy r1": {"r1": {"weight": 3.0, "every": 2}},
    "r2 and lazy wgan_gp": {"r2": {}, "wgan_gp": {"weight": 5.0, "every": 2}},
}
TARGETS = {
    "usual targets": {},
    "smoothed": {"real_label": 0.9, "fake_label": [0.0, 0.2]},
    "flipped": {"real_label": [0.7, 1.2], "flip_labels": 0.4},
}
WITH_TARGETS = ("minimax", "non_saturating", "least_squares", "feature_matching")
SWITCHES = {
    "loss": [*WITH_TARGETS, "wasserstein", "hinge", "relativistic"],
    "targets": list(TARGETS),
    "batches": ["separate", "alternate", "joint"],
    "turns": list(TURNS),
    "penalty": list(PENALTIES),
    "clip": [None, 0.05],
    "ema": [None, 0.9],
    "optimizer": list(OPTIMIZERS),
    "networks": list(NETWORKS),
    "distribution": ["normal", "uniform"],
    "range": ["tanh", "sigmoid"],
}
Case = dict[str, Any]


def is_config(case: Case) -> bool:
    """Whether the switches may stand together: see docs/config.md."""
    if case["batches"] == "alternate":
        alone = case["penalty"] == "no penalty" and case["loss"] != "relativistic" and case["turns"] != "simultaneous"
    else:
        alone = True
    return alone and (case["targets"] == "usual targets" or case["loss"] in WITH_TARGETS)


def config_of(case: Case, networks: dict | None = None, **more: Any):
    """The config of a case, with these networks instead of the case's; `more` are further keys."""
    options = dict(TARGETS[case["targets"]]) | ({"layer": "hidden"} if case["loss"] == "feature_matching" else {})
    networks = dict(networks or NETWORKS[case["networks"]])
    latent = networks.pop("latent", {"dim": 3})
    *layers, last = networks["discriminator"]
    if case["loss"] in ("relativistic", "wasserstein") and case["batches"] != "alternate" and "Dense" in last:
        # A bias of all outputs cancels there: its gradient is rounding, which Adam makes a step of.
        networks = networks | {"discriminator": [*layers, {"Dense": {**last["Dense"], "use_bias": False}}]}
    return tiny_config(
        **networks,
        loss={case["loss"]: options} if options else case["loss"],
        train={"discriminator_batches": case["batches"], "ema": case["ema"], **TURNS[case["turns"]]},
        penalty=PENALTIES[case["penalty"]],
        clip_weights=case["clip"],
        optimizer=OPTIMIZERS[case["optimizer"]],
        latent=latent | {"distribution": case["distribution"]},
        data={"name": "digits", "range": case["range"]},
        **more,
    )


def words(case: Case) -> str:
    """A name for a test."""
    return ", ".join(f"{switch} {value}" if switch in ("clip", "ema") else str(value) for switch, value in case.items())


def _pairs(case: Case) -> set[tuple]:
    return set(itertools.combinations(case.items(), 2))


def covering(seed: int = 0, tries: int = 40) -> list[Case]:
    """Cases in which every pair of values occurs that may stand in one config; the same at every call."""
    chance = random.Random(seed)

    def drawn() -> Case:
        while not is_config(case := {switch: chance.choice(values) for switch, values in SWITCHES.items()}):
            pass
        return case

    left = set().union(*(_pairs(drawn()) for _ in range(5000)))
    cases = []
    while left:
        cases.append(max((drawn() for _ in range(tries)), key=lambda case: len(left & _pairs(case))))
        left -= _pairs(cases[-1])
        tries += 40  # the last pairs are rare
    return cases


USUAL = {
    "loss": "non_saturating",
    "targets": "usual targets",
    "batches": "separate",
    "turns": "one turn",
    "penalty": "no penalty",
    "clip": None,
    "ema": None,
    "optimizer": "Adam",
    "networks": "tanh",
    "distribution": "normal",
    "range": "tanh",
}
