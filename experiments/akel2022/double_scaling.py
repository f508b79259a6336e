"""How far scaling twice shrinks Frechet distances on real faces, with Inception v3 of random weights.

    python experiments/akel2022/double_scaling.py

For three random networks, once and twice through `preprocess_input`: the distance of two samples of real faces (the floor),
and the distance of real faces to other real faces that were blurred. Prints the table and writes it to
results/reference/akel2022/double_scaling.csv. `ganlab prepare celeba` makes the faces.
"""

import csv
import io
from pathlib import Path

import keras
import numpy as np

from ganlab.config.schema import Data
from ganlab.data import load_dataset
from ganlab.metrics.distances import frechet_distance_from_features
from ganlab.metrics.inception_extractor import build_keras_inception, preprocess, preprocess_twice
from ganlab.metrics.resizing import behind_resizing
from ganlab.storage.writing import write_text

TARGET = Path(__file__).parents[2] / "results" / "reference" / "akel2022" / "double_scaling.csv"
COUNT = 400  # images of each sample
SEEDS = (0, 1, 2)
SCALINGS = {"once": preprocess, "twice": preprocess_twice}


def blurred(images: np.ndarray) -> np.ndarray:
    """Each pixel becomes the mean of its 3 x 3 neighbourhood: (N, H, W, C) to the same shape."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = images.shape[1:3]
    return sum(padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9


def distances(seed: int, scaling: str, samples: list[np.ndarray]) -> tuple[float, float]:
    """The floor and the distance to blurred faces, with the random network of a seed."""
    keras.utils.set_random_seed(seed)
    network = build_keras_inception(None)
    model = behind_resizing(network, samples[0].shape[1:], "nearest", SCALINGS[scaling])
    real, other, blur = (
        np.asarray(model.predict(sample, batch_size=16, verbose=0)["features"], np.float64) for sample in samples
    )
    return frechet_distance_from_features(real, other), frechet_distance_from_features(real, blur)


def main() -> None:
    faces = load_dataset(Data(name="celeba", image_size=40)).train.images
    order = np.random.Generator(np.random.Philox(0)).permutation(len(faces))
    real, other = (faces[part].astype(np.float32) for part in (order[:COUNT], order[COUNT : 2 * COUNT]))
    samples = [real, other, blurred(other)]
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["network_seed", "scaling", "floor", "blurred"])
    for seed in SEEDS:
        for scaling in SCALINGS:
            table.writerow([seed, scaling, *(f"{each:.4g}" for each in distances(seed, scaling, samples))])
            print(file.getvalue().splitlines()[-1], flush=True)
    write_text(TARGET, file.getvalue())


if __name__ == "__main__":
    main()
