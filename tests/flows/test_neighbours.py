"""The nearest training images of generated images: against a search by hand, and for a generator that copies."""

import numpy as np
import pytest

from ganlab.data.dataset import Dataset, Split, fingerprint_of
from ganlab.flows import neighbours
from ganlab.metrics.scores import nearest

RANDOM = np.random.default_rng(0)
TRAIN, TEST, GENERATED = (RANDOM.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8) for count in (60, 20, 12))


def dataset(test=TEST, labels=None):
    return Dataset(
        "tiny", Split(TRAIN, labels), test is not None and Split(test), fingerprint_of(TRAIN), None, "a test"
    )


def by_hand(images):
    distances = np.linalg.norm((images[:, None].astype(float) - TRAIN[None]).reshape(len(images), 60, -1) / 255, axis=2)
    return distances.argmin(axis=1), distances.min(axis=1) ** 2


def test_nearest_is_what_a_search_by_hand_finds():
    points, others = RANDOM.standard_normal((7, 3)), RANDOM.standard_normal((9, 3))
    distances = np.linalg.norm(points[:, None] - others, axis=2)
    rows, squared = nearest(points, others)
    np.testing.assert_array_equal(rows, distances.argmin(axis=1))
    np.testing.assert_allclose(squared, distances.min(axis=1) ** 2)


@pytest.mark.parametrize("block", [7, 60])
def test_pixels_are_compared_in_blocks_with_every_training_image(monkeypatch, block):
    monkeypatch.setattr(neighbours, "_BLOCK", block)
    (rows, squared), others = neighbours._by_pixels(dataset(), GENERATED, held_out=20)
    expected_rows, expected = by_hand(GENERATED)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_allclose(squared, expected)
    np.testing.assert_allclose(np.sort(others), np.sort(by_hand(TEST)[1]))


@pytest.mark.parametrize("by", ["_by_pixels", "_by_features"])
def test_copies_of_training_images_are_found_at_distance_zero(monkeypatch, tmp_path, by):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path))
    (rows, squared), others = getattr(neighbours, by)(dataset(), TRAIN[[5, 59, 0]], held_out=20)
    assert rows.tolist() == [5, 59, 0]
    np.testing.assert_allclose(squared, 0, atol=1e-9)
    assert others.shape == (20,) and others.min() > 0


def test_without_a_test_split_nothing_stands_beside_the_generated_images(monkeypatch, tmp_path):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path))
    for by in (neighbours._by_pixels, neighbours._by_features):
        assert by(dataset(test=None), GENERATED, held_out=0)[1] is None
