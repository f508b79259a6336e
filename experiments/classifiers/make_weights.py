"""Makes the classifier weights that ship with ganlab: make_weights.py [digits] [mnist] [fashion_mnist].

Trains each classifier on the training images and prints what it reaches on images it has not seen. The digits
have no test images, so a fifth of them, drawn from each class alike, is held out.
"""

import argparse

import numpy as np
from sklearn.model_selection import train_test_split

from ganlab.config.schema import Data
from ganlab.data import Dataset, load_dataset
from ganlab.metrics.classifier import (
    RECIPE,
    SHIPPED_FOLDER,
    SHIPPED_SHAPES,
    train_classifier,
)
from ganlab.metrics.distances import frechet_distance_from_features
from ganlab.metrics.extraction import Extractor, compile_for_batches
from ganlab.metrics.scores import inception_score
from ganlab.storage.weights import hash_of_arrays, write_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="data sets; all if none is given")
    for name in parser.parse_args().names or SHIPPED_SHAPES:
        make_weights(load_dataset(Data(name=name)))


def make_weights(dataset: Dataset) -> None:
    """Trains, writes and measures the classifier of one data set."""
    images, labels = split(dataset)[0]
    model = train_classifier(images, labels, dataset.form.classes)
    write_weights(SHIPPED_FOLDER / f"{dataset.name}.weights.h5", model)
    compile_for_batches(model)
    measure(Extractor(RECIPE, model, hash_of_arrays(model.get_weights())), dataset)


def measure(extractor: Extractor, dataset: Dataset) -> None:
    """Prints what a classifier makes of the images it has seen and of those it has not."""
    samples, accuracies = [], []
    for images, labels in split(dataset):
        order = np.random.Generator(np.random.Philox(0)).permutation(len(images))  # files may be sorted
        samples.append(extractor.extract(images[order]))
        accuracies.append(np.mean(samples[-1].probabilities.argmax(axis=1) == labels[order]))
    seen, unseen = samples
    count = min(5000, len(unseen), len(seen) // 2)
    one, other = seen[:count], seen[count : 2 * count]
    floor, gap = (frechet_distance_from_features(one.features, far.features[:count]) for far in (other, unseen))
    print(
        f"{dataset.name}: sha256 of the weights {extractor.weight_hash[:16]}",
        f"accuracy: {accuracies[0]:.2%} of {len(seen):,} seen, {accuracies[1]:.2%} of {len(unseen):,} unseen",
        f"Inception Score of {count:,} unseen: {inception_score(unseen.probabilities[:count])[0]:.2f}",
        f"Frechet distance of {count:,} seen to others seen: {floor:.2f}, to unseen: {gap:.2f}",
        sep="\n  ",
        flush=True,
    )


def split(dataset: Dataset) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """(images, labels) to train on, and those to test on."""
    train, test = dataset.train, dataset.test
    if test is not None:
        return (train.images, train.labels), (test.images, test.labels)
    indices = np.arange(dataset.count)
    chosen, held_out = train_test_split(indices, test_size=0.2, stratify=train.labels, random_state=0)
    return (train.images[chosen], train.labels[chosen]), (train.images[held_out], train.labels[held_out])


if __name__ == "__main__":
    main()
