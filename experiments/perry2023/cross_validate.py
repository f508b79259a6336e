"""Cross-validates a classifier: Figures 11.1 to 11.3.

    python experiments/perry2023/cross_validate.py tiny_digits --folds 1 --epochs 200
    python experiments/perry2023/cross_validate.py mnist --folds 5
    python experiments/perry2023/cross_validate.py mnist --folds 10
    python experiments/perry2023/cross_validate.py mnist --folds 10 --network extractor

Each fold is the test once; the other folds train a new network. With one fold, the same images train and test. Prints one row a
fold as CSV: fold, test, train (accuracies). The data are the training and the test split together, in a random order.
Figure 11.2 is a fold of `--folds 5`.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial

import keras
import numpy as np

from ganlab.config.schema import Data
from ganlab.data import load_dataset
from ganlab.metrics.classifier import train_classifier

EPOCHS, BATCHES, RATE = 5, 1000, 0.1


def train_perry2023(images: np.ndarray, labels: np.ndarray, classes: int, epochs: int = EPOCHS) -> keras.Model:
    """784-100-10 sigmoid units, first weights N(0, 1), cross-entropy: epochs of 1,000 batches, rate 0.1.

    The report says neither the units nor the loss of this classifier. The loss is the sum over the outputs.
    """
    keras.utils.set_random_seed(0)
    normal = {f"{part}_initializer": keras.initializers.RandomNormal(stddev=1) for part in ("kernel", "bias")}
    layers = [keras.layers.Dense(units, "sigmoid", **normal) for units in (100, classes)]
    model = keras.Sequential(
        [keras.Input(images.shape[1:]), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), *layers]
    )
    # Keras takes the mean over the outputs. Steps of so few operations are faster in groups.
    options = {"loss_weights": [classes], "steps_per_execution": BATCHES // 10}
    model.compile(keras.optimizers.SGD(RATE), "binary_crossentropy", **options)
    model.fit(images, np.eye(classes)[labels], max(1, len(images) // BATCHES), epochs, verbose=0)
    return model


def train_extractor(images: np.ndarray, labels: np.ndarray, classes: int) -> keras.Model:
    """The classifier behind `fd5k_classifier`, trained by its recipe."""
    inputs = keras.Input(images.shape[1:])
    in_range = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    return keras.Model(inputs, train_classifier(images, labels, classes)(in_range)["probabilities"])


def cross_validate(
    train: Callable, images: np.ndarray, labels: np.ndarray, folds: int
) -> Iterator[tuple[float, float]]:
    """(accuracy on the test fold, accuracy on the training folds) of each fold, in [0, 1].

    Args:
        train: (images, labels, classes) -> a model that gives a number a class.
        images: uint8 (N, H, W, C).
        labels: (N,).
    """
    parts = np.array_split(np.random.default_rng(0).permutation(len(images)), folds)
    for fold, test in enumerate(parts):
        rest = np.concatenate([part for other, part in enumerate(parts) if other != fold] or parts)
        model = train(images[rest], labels[rest], int(labels.max()) + 1)
        yield accuracy(model, images[test], labels[test]), accuracy(model, images[rest], labels[rest])


def accuracy(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    outputs = model.predict(images, batch_size=1000, verbose=0)
    return float(np.mean(outputs.argmax(axis=1) == labels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", metavar="DATASET", help="a labelled data set, such as mnist")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--network", choices=("perry2023", "extractor"), default="perry2023")
    parser.add_argument(
        "--epochs", type=int, default=EPOCHS, help="of the network perry2023; the extractor has its own"
    )
    options = parser.parse_args()
    train = partial(train_perry2023, epochs=options.epochs) if options.network == "perry2023" else train_extractor
    dataset = load_dataset(Data(name=options.dataset))
    splits = [split for split in (dataset.train, dataset.test) if split]
    images, labels = (np.concatenate([getattr(s, name) for s in splits]) for name in ("images", "labels"))
    print("fold,test,train")
    for fold, scores in enumerate(cross_validate(train, images, labels, options.folds), 1):
        print(f"{fold},{scores[0]:.4f},{scores[1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
