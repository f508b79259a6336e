"""Inception Scores by a classifier of the coursework's kind, beside those of ganlab's classifier.

    python experiments/imperial2019/their_classifier.py RUN...

Each RUN is the folder of a run on MNIST. The classifier has the coursework's layers, optimizer and epochs; the widths, the pooling
and the batch size, which the text does not state, are those of PyTorch's MNIST example of that time. The scores are of 6,000 images
of a run's newest checkpoint in 10 splits, because the coursework's Table 4 fits 6,000 images. The first rows are the real images.
The script prints CSV.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from ganlab.config.schema import Data
from ganlab.data import load_dataset
from ganlab.data.dataset import Dataset
from ganlab.flows.load import load_checkpoint
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.scores import inception_score
from ganlab.pictures.images import to_uint8
from ganlab.runs.folder import RunFolder

COUNT = 6_000
EPOCHS = 4
SEED = 0


def their_classifier(dataset: Dataset) -> keras.Model:
    """Trains two convolutions and three dense layers on uint8 images: (N, 28, 28, 1) to probabilities (N, 10)."""
    keras.utils.set_random_seed(SEED)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(10, 5),
            layers.MaxPooling2D(),
            layers.ReLU(),
            layers.Conv2D(20, 5),
            layers.Dropout(0.2),
            layers.MaxPooling2D(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(dataset.train.images, dataset.train.labels, batch_size=64, epochs=EPOCHS, verbose=0)
    return model


def main(runs: list[Path]) -> None:
    dataset = load_dataset(Data(name="mnist"))
    theirs, ours = their_classifier(dataset), EXTRACTORS["classifier"].load(dataset)
    accuracy = theirs.evaluate(dataset.test.images, dataset.test.labels, verbose=0)[1]
    print(f"# accuracy of their kind of classifier on the test images: {accuracy:.4f}", file=sys.stderr)
    print("images,count,their_kind,their_kind_sd,ganlab")

    def show(name: str, images: np.ndarray) -> None:
        mean, deviation = inception_score(theirs.predict(images, batch_size=500, verbose=0))
        score = inception_score(ours.extract(images).probabilities)[0]
        print(f"{name},{len(images)},{mean:.3f},{deviation:.3f},{score:.3f}", flush=True)

    order = np.random.Generator(np.random.Philox(SEED)).permutation(len(dataset.train.images))
    show("real training images", dataset.train.images[order])
    show("real training images", dataset.train.images[order[:COUNT]])
    show("real test images", dataset.test.images[:COUNT])
    for run in runs:
        loaded = load_checkpoint(RunFolder(run))
        show(run.name, to_uint8(loaded.sampler.draw(COUNT, "metrics"), loaded.config.data.range))


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
