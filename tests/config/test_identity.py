import pytest

from ganlab.config.identity import identity_of
from ganlab.objectives.gan_config import GanConfig
from tests.config.examples import EXAMPLE, changed, config_of


def identities(text: str = EXAMPLE, fingerprint: str = "f" * 64, steps: int = 100) -> tuple[str, str]:
    return identity_of(config_of(text), fingerprint, steps)


def test_cell_and_identity_are_different_sha256():
    cell, identity = identities()
    assert cell != identity
    assert all(len(text) == 64 and set(text) <= set("0123456789abcdef") for text in (cell, identity))


NO_MATTER = [
    ("name: example", "name: other"),
    ("", "family: LSGAN"),
    ("", "metrics: [fd5k_random]"),
    ("", "output: {samples_every: 1, grid: [2, 2]}"),
    ("", "device: gpu"),
    ("steps: 100", "epochs: 2"),
    ("dim: 64", "dim: 64, distribution: normal"),
    ("", "class_loss: cross_entropy"),
    ("", "penalty: {}\nclip_weights: null\nprecision: float32\nseed: 0"),
    ("loss: non_saturating", "loss: {non_saturating: {real_label: 1.0}}"),
    ("units: 64", "units: 64.0"),
    ("{Adam: {learning_rate: 1e-4}}", "{Adam: {learning_rate: 0.0001}}"),
    ("- LeakyReLU", "- LeakyReLU: {}"),
    ("units: 128, activation: relu", "activation: relu, units: 128"),
    ("name: example\ndata: {name: digits}\n", "data: {name: digits}\nname: example\n"),
    (
        "repeat: 2\n      layers:\n        - Dense: {units: 64}\n        - LeakyReLU",
        "repeat: 1\n      layers: [Dense: {units: 64}, LeakyReLU, Dense: {units: 64}, LeakyReLU]",
    ),
]


@pytest.mark.parametrize(("old", "new"), NO_MATTER)
def test_what_does_not_change_training_changes_no_identity(old, new):
    assert identities(changed(old, new)) == identities()


MATTER = [
    ("dim: 64", "dim: 65"),
    ("name: digits", "name: mnist"),
    ("name: digits", "name: digits, range: sigmoid"),
    ("name: digits", "name: digits, limit: 100"),
    ("activation: relu", "activation: tanh"),
    ("- LeakyReLU", "- ReLU"),
    ("repeat: 2", "repeat: 3"),
    ("learning_rate: 1e-4", "learning_rate: 2e-4"),
    ("non_saturating", "minimax"),
    ("loss: non_saturating", "loss: {non_saturating: {flip_labels: 0.1}}"),
    ("", "penalty: {r1: {}}"),
    ("", "clip_weights: 0.01"),
    ("", "precision: mixed_bfloat16"),
    ("batch_size: 32", "batch_size: 64"),
    ("batch_size: 32", "batch_size: 32, discriminator_batches: joint"),
    ("batch_size: 32", "batch_size: 32, ema: 0.999"),
]


def test_what_changes_training_changes_cell_and_identity():
    found = [identities(), identities(fingerprint="0" * 64), identities(steps=101)]
    found += [identities(changed(old, new)) for old, new in MATTER]
    assert len({cell for cell, _ in found}) == len({identity for _, identity in found}) == len(found)


# Each key of the language: whether a change of its value makes another run.
KEYS = {
    "name": ("other", False),
    "family": ("LSGAN", False),
    "seed": (1, True),
    "objective": (None, None),  # another one has other keys
    "data.name": ("mnist", True),
    "data.image_size": (4, True),
    "data.limit": (100, True),
    "data.labelled": (30, True),
    "data.classes": ("folders", True),
    "data.split": ("all", True),
    "data.range": ("sigmoid", True),
    "data.grayscale": ("luminosity", True),
    "data.flip": ("horizontal", True),
    "data.source": ("photos", False),
    "latent.dim": (65, True),
    "latent.distribution": ("uniform", True),
    "latent.categorical": ([10], True),
    "latent.continuous": (2, True),
    "generator.layers": (["Flatten"], True),
    "generator.optimizer": ({"SGD": {}}, True),
    "discriminator.layers": (["Flatten"], True),
    "discriminator.optimizer": ({"SGD": {}}, True),
    "train.steps": (None, None),  # resolved, see above
    "train.epochs": (None, None),
    "train.batch_size": (64, True),
    "train.ema": (0.9, True),
    "train.stop_on": (["collapsed"], True),
    "train.discriminator_steps": (2, True),
    "train.discriminator_batches": ("joint", True),
    "train.discriminator_statistics": ("moving", True),
    "train.generator_steps": (2, True),
    "train.generator_batch_size": (16, True),
    "train.share_latents": (True, True),
    "train.simultaneous": (True, True),
    "phases": (None, None),
    "output.samples_every": (7, False),
    "output.samples_at": ([7], False),
    "output.samples_at_epochs": ([2], False),
    "output.checkpoint_every": (7, False),
    "output.keep_checkpoints": ("all", False),
    "output.metrics_every": (7, False),
    "output.grid": ([2, 2], False),
    "output.histograms": (["dense"], False),
    "metrics": ([], False),
    "precision": ("mixed_bfloat16", True),
    "backend": ("jax", True),
    "device": ("cpu", False),
    "track": ("mlflow", False),
    "devices": (2, False),
    "jit": (True, True),
    "labels": ("conditional", True),
    "loss": ("hinge", True),
    "class_loss": ({"cross_entropy": {"weight": 2.0}}, True),
    "code_loss.categorical": (2.0, True),
    "code_loss.continuous": (1.0, True),
    "penalty": ({"r1": {"weight": 1.0, "every": 1}}, True),
    "lecam.weight": (0.3, True),
    "lecam.decay": (0.9, True),
    "consistency.weight": (10.0, True),
    "consistency.fake_weight": (10.0, True),
    "consistency.policy": (["flip"], True),
    "latent_consistency.weight": (5.0, True),
    "latent_consistency.generator_weight": (0.5, True),
    "latent_consistency.deviation": (0.1, True),
    "adaptive.method": ("apa", True),
    "adaptive.target": (0.5, True),
    "adaptive.images": (1000, True),
    "adaptive.interval": (1, True),
    "adaptive.policy": (["flip"], True),
    "adaptive.probability": (0.5, True),
    "clip_weights": (0.01, True),
}


def test_every_key_is_known_here():
    content = config_of().model_dump()
    sections = {key for key, value in content.items() if isinstance(value, dict)} - {"loss", "class_loss", "penalty"}
    keys = {key for key in content if key not in sections}
    assert keys | {f"{key}.{inner}" for key in sections for inner in content[key]} == KEYS.keys()


# What a key needs beside it.
BESIDE = {
    "data.source": ("data.name", "folder"),
    "data.classes": ("data.name", "folder"),
    "data.labelled": ("labels", "semi_supervised"),
    "class_loss": ("labels", "auxiliary"),
    "devices": ("backend", "jax"),
    "adaptive.probability": ("adaptive.method", "ada"),
}


def set_key(content: dict, key: str, value) -> None:
    section, _, inner = key.rpartition(".")
    (content[section] if section else content)[inner] = value


@pytest.mark.parametrize("key", [key for key, (_, matters) in KEYS.items() if matters is not None])
def test_a_key_makes_another_run_or_the_same(key):
    value, matters = KEYS[key]
    content = config_of().model_dump()
    if key in BESIDE:
        set_key(content, *BESIDE[key])
    before = identity_of(GanConfig.model_validate(content), "f" * 64, 100)
    set_key(content, key, value)
    after = identity_of(GanConfig.model_validate(content), "f" * 64, 100)
    assert (after[1] != before[1]) is matters
    assert (after[0] != before[0]) is (matters and key != "seed")


def test_the_seed_changes_the_identity_and_not_the_cell():
    cell, identity = identities()
    other_cell, other_identity = identities(changed("", "seed: 1"))
    assert other_cell == cell
    assert other_identity != identity


def test_where_the_images_lie_does_not_matter_but_what_they_are_does():
    folder = [identities(changed("name: digits", f"name: folder, source: {source}")) for source in ("a", "b/c.zip")]
    assert folder[0] == folder[1]


def test_an_identity_stays_what_it_was():
    """Runs on disk are found by it: if this must change, raise SCHEMA_VERSION."""
    assert identities()[0][:8] == "fa92ea85"
