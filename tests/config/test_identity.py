import pytest

from ganlab.config.identity import identity_of
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
    ("", "devices: 2"),
    ("steps: 100", "epochs: 2"),
    ("dim: 64", "dim: 64, distribution: normal"),
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
