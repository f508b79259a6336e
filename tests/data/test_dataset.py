import hashlib

import numpy as np
import pytest

from ganlab.data.dataset import Dataset, Split, fingerprint_of


def test_the_fingerprint_is_the_sha256_over_type_shape_and_bytes():
    images = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert fingerprint_of(images) == hashlib.sha256(b"|u1 (1, 2, 3)\n\0\1\2\3\4\5").hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        np.zeros((2, 4), np.int8),
        np.zeros((4, 2), np.uint8),
        np.zeros((1, 2, 4), np.uint8),
        np.eye(2, 4, dtype=np.uint8),
    ],
    ids=["another type", "another shape", "another rank", "another value"],
)
def test_the_fingerprint_changes_with(other):
    assert fingerprint_of(other) != fingerprint_of(np.zeros((2, 4), np.uint8))


def test_the_fingerprint_does_not_depend_on_memory_layout_or_byte_order():
    points = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    assert fingerprint_of(np.asfortranarray(points)) == fingerprint_of(points)
    assert fingerprint_of(points.astype(">f4")) == fingerprint_of(points)


def test_a_data_set_may_hold_points_instead_of_images():
    points = np.zeros((5, 2), np.float32)
    dataset = Dataset("points", Split(points), None, fingerprint_of(points), None, "drawn")
    assert (dataset.shape, dataset.count) == ((2,), 5)


def test_labels_must_match_the_images():
    with pytest.raises(ValueError, match=r"labels: expected the shape \(3,\), received \(2,\)"):
        Split(np.zeros((3, 8, 8, 1), np.uint8), np.zeros(2, np.int64))


@pytest.mark.parametrize("kind", [np.int64, np.uint16, np.float64, bool])
def test_samples_are_uint8_or_float32(kind):
    with pytest.raises(ValueError, match=f"images: expected uint8 or float32, received {np.dtype(kind)}"):
        Split(np.zeros((3, 8, 8, 1), kind))
