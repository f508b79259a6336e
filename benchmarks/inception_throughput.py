"""Images a second through Inception: ganlab's network beside pytorch-fid's, same weights (random) and images.

    python benchmarks/inception_throughput.py [--images 64] [--rounds 5]

Needs the extra `fid`. The two take turns, so that whatever else the machine does falls on both; the printed ratio is
the median over the rounds. Both read uint8 images of 64x64 and bring them to 299x299 themselves.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ganlab.backends.select import select_backend


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    select_backend()
    import keras

    images = np.random.default_rng(0).integers(0, 256, (options.images, 64, 64, 3)).astype(np.uint8)
    ours, theirs = build_both()
    rates: dict[str, list[float]] = {"ganlab": [], "pytorch-fid": []}
    ours(images), theirs(images)  # compiles
    for _ in range(options.rounds):
        for name, extract in (("ganlab", ours), ("pytorch-fid", theirs)):
            rates[name].append(rate(extract, images))
    for name, values in rates.items():
        print(f"{name:12} {statistics.median(values):6.1f} images a second, {min(values):.1f} to {max(values):.1f}")
    ratios = [one / other for one, other in zip(*rates.values(), strict=True)]
    print(f"ratio        {statistics.median(ratios):6.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    print(f"keras {keras.__version__} on {keras.backend.backend()}, {options.images} images, {options.rounds} rounds")


def rate(extract: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> float:
    began = time.perf_counter()
    extract(images)
    return len(images) / (time.perf_counter() - began)


def build_both() -> tuple[Callable, Callable]:
    """Functions of uint8 images that give pool_3 features, ours and pytorch-fid's, checked to agree."""
    import torch

    from ganlab.metrics.extraction import Extractor, to_pixels
    from ganlab.metrics.inception import build_inception
    from ganlab.metrics.inception_extractor import BATCH, RECIPE
    from ganlab.metrics.inception_weights import set_weights
    from ganlab.metrics.resizing import behind_resizing
    from tests.metrics.inception_samples import random_weights, torch_state
    from tests.metrics.peers import import_peer

    network = build_inception()
    weights = random_weights(network)
    set_weights(network, weights, Path("random"))
    model = behind_resizing(network, (64, 64, 3), "bilinear", lambda pixels: pixels / 127.5 - 1.0)
    extractor = Extractor(RECIPE, model, "", to_pixels, BATCH)

    peer = import_peer("pytorch_fid.inception")
    peer.load_state_dict_from_url = lambda *_, **__: torch_state(weights)
    their_network = peer.InceptionV3([3]).eval()

    def theirs(images: np.ndarray) -> np.ndarray:
        parts = []
        with torch.no_grad():
            for start in range(0, len(images), BATCH):
                batch = torch.from_numpy(images[start : start + BATCH]).permute(0, 3, 1, 2).float() / 255
                parts.append(their_network(batch)[0][:, :, 0, 0].numpy())
        return np.concatenate(parts)

    def ours(images: np.ndarray) -> np.ndarray:
        return extractor.extract(images).features

    some = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    difference = np.abs(ours(some) - theirs(some)).max()
    assert difference < 1e-3, f"the networks do not agree: {difference}"
    return ours, theirs


if __name__ == "__main__":
    main()
