"""Diversity and recall of images of known faults: GANLAB_DATA=FOLDER python experiments/failing_gans/bounds.py

Real photos, the same blurred by some pixels, a few of them again and again with noise, and noise alone, each against other real
photos. Those of CelebA and AFHQ are read where $GANLAB_DATA/celeba and $GANLAB_DATA/afhq have a zip.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from ganlab.config.schema import Data
from ganlab.data.registry import load_dataset
from ganlab.data.sources import own_data_folder
from ganlab.training.health import diversity, recall

COUNT = 128


def data_sets():
    yield "cifar10", Data(name="cifar10")
    for name, size in (("celeba", 40), ("afhq", 64)):
        for path in sorted((own_data_folder() / name).glob("*.zip")):
            yield name, Data(name="folder", source=str(path), image_size=size, limit=1500)


def faults(photos: np.ndarray):
    chance = np.random.default_rng(0)
    yield "real", photos
    for pixels in (1, 2, 3):
        yield f"blurred by {pixels}", gaussian_filter(photos.astype(float), (0, pixels, pixels, 0))
    for count in (1, 10, 20):
        noise = chance.normal(0, 10, photos.shape)
        yield f"{count} with noise", np.clip(photos[np.arange(COUNT) % count] + noise, 0, 255)
    yield "noise", chance.uniform(0, 255, photos.shape)


def main() -> None:
    print("| data | images | diversity | recall |\n|---|---|---|---|")
    for name, options in data_sets():
        images = load_dataset(options).train.images
        chosen = images[np.random.default_rng(1).permutation(len(images))[: 2 * COUNT]]
        real, photos = chosen[:COUNT], chosen[COUNT:]
        for fault, fake in faults(photos):
            print(f"| {name} | {fault} | {diversity(fake, real):.2f} | {recall(fake, real):.2f} |")


if __name__ == "__main__":
    main()
