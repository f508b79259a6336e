"""The DCGAN problem against PyTorch's tutorial written by hand: from one start and the same draws, the losses are the same."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("PyTorch's own loop", allow_module_level=True)

import torch
from torch import nn

from ganlab.config.loading import load_config
from tests.training.tiny import build

PROBLEM = Path(__file__).parents[2] / "experiments" / "tsingunidis2020" / "problems" / "mnist_dcgan_32.yaml"
STEPS = 20


def networks() -> tuple[nn.Sequential, nn.Sequential]:
    """The tutorial's generator and discriminator at 32x32, with 4 base filters."""

    def up(before, after, stride, padding):
        return nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False)

    def down(before, after, stride, padding):
        return nn.Conv2d(before, after, 4, stride, padding, bias=False)

    generator = nn.Sequential(
        *(up(100, 16, 1, 0), nn.BatchNorm2d(16), nn.ReLU()),
        *(up(16, 8, 2, 1), nn.BatchNorm2d(8), nn.ReLU()),
        *(up(8, 4, 2, 1), nn.BatchNorm2d(4), nn.ReLU()),
        *(up(4, 1, 2, 1), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(down(1, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(down(4, 8, 2, 1), nn.BatchNorm2d(8), nn.LeakyReLU(0.2)),
        *(down(8, 16, 2, 1), nn.BatchNorm2d(16), nn.LeakyReLU(0.2)),
        *(down(16, 1, 1, 0), nn.Flatten()),
    )
    return generator, discriminator


def take(network: nn.Sequential, weights: list[np.ndarray]) -> None:
    """Copies Keras' trainable weights; a kernel (height, width, a, b) becomes (b, a, height, width) for both kinds of layer."""
    for ours, theirs in zip(weights, network.parameters(), strict=True):
        array = ours.transpose(3, 2, 0, 1) if ours.ndim == 4 else ours
        with torch.no_grad():
            theirs.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def train(generator, discriminator, images, indices, latents) -> np.ndarray:
    """The tutorial's loop: losses of discriminator and generator, shape (steps, 2)."""
    loss = nn.BCEWithLogitsLoss()
    optimizers = [torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999)) for network in (discriminator, generator)]
    rows = []
    for batch, noise in zip(indices, latents, strict=True):
        optimizers[0].zero_grad()
        logits = discriminator(images[batch])
        real_loss = loss(logits, torch.ones_like(logits))
        real_loss.backward()
        fake = generator(torch.from_numpy(noise)[:, :, None, None])
        logits = discriminator(fake.detach())
        fake_loss = loss(logits, torch.zeros_like(logits))
        fake_loss.backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        logits = discriminator(fake)
        generator_loss = loss(logits, torch.ones_like(logits))
        generator_loss.backward()
        optimizers[1].step()
        rows.append([float(real_loss.detach() + fake_loss.detach()), float(generator_loss.detach())])
    return np.array(rows)


def test_twenty_steps_have_the_losses_of_the_tutorial(tmp_path):
    text = re.sub(r"filters: (\d+)", lambda match: f"filters: {max(1, int(match[1]) // 4)}", PROBLEM.read_text())
    (tmp_path / "tiny.yaml").write_text(text.replace("batch_size: 128", "batch_size: 8"))
    images = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 1), dtype=np.uint8)
    tiny = build(load_config(tmp_path / "tiny.yaml"), images=images)
    peers = networks()
    for name, peer in zip(("generator", "discriminator"), peers, strict=True):
        take(peer, [np.array(variable) for variable in tiny.models.networks[name].trainable_variables])
    taken = tiny.draws.take(0, STEPS)
    scaled = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    expected = train(*peers, scaled, taken["real_0"], taken["latents_fake_0"])
    rows = tiny.train(STEPS, room=STEPS)
    found = np.stack([tiny.column(rows, name) for name in ("d_loss", "g_loss")], axis=1)
    assert np.ptp(expected[:, 0]) > 0.1  # the networks learn
    np.testing.assert_allclose(found, expected, rtol=1e-3)
