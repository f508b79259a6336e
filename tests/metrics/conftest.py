"""Real data for metrics: the digits of scikit-learn, and parts of them under other conditions."""

import dataclasses

import numpy as np
import pytest

from ganlab.config.schema import Data
from ganlab.data import Dataset, Split, fingerprint_of, load_dataset


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset(Data(name="digits"))


@pytest.fixture(scope="session")
def unlabelled_digits(digits) -> Dataset:
    return dataclasses.replace(digits, name="mine", train=Split(digits.train.images), class_names=None)


@pytest.fixture(scope="session")
def many_digits(digits) -> Dataset:
    """As many images as 5k protocols need; no metric is computed on these repetitions."""
    images, labels = (np.concatenate([part] * 4) for part in (digits.train.images, digits.train.labels))
    return dataclasses.replace(digits, train=Split(images, labels), fingerprint=fingerprint_of(images))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
