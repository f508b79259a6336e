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


def of(labels, name="folder", note=None, test=None):
    images = np.zeros((3, 2, 2, 1), np.uint8)
    train = Split(images, None if labels is None else np.array(labels))
    return Dataset(name, train, test, fingerprint_of(images), None, "drawn", note)


def test_labels_count_beside_the_images_only_if_they_are_read():
    first, second = of([0, 1, 1]), of([0, 0, 1])
    assert first.origin() == second.origin() == first.fingerprint
    assert len({first.origin(with_labels=True), second.origin(with_labels=True), first.fingerprint}) == 3
    assert first.label_fingerprint() == fingerprint_of(first.train.labels)


@pytest.mark.parametrize(
    ("labels", "name", "note"), [(None, "folder", None), (None, "faces", "left out: 3"), ([0, 1, 2], "mnist", None)]
)
def test_no_labels_and_published_labels_need_no_fingerprint(labels, name, note):
    dataset = of(labels, name, note)
    assert dataset.label_fingerprint() is None and dataset.origin(with_labels=True) == dataset.fingerprint


def test_a_test_split_has_labels_of_its_own():
    splits = [Split(np.ones((2, 2, 2, 1), np.uint8), np.array(labels)) for labels in ([0, 1], [1, 1])]
    datasets = [of([0, 1, 2], "mnist", "not known to be the published mnist", split) for split in splits]
    assert datasets[0].origin("test") == datasets[1].origin("test") == fingerprint_of(splits[0].images)
    assert len({dataset.origin("test", with_labels=True) for dataset in datasets}) == 2
    assert datasets[0].origin(with_labels=True) == datasets[1].origin(with_labels=True)
