"""Face detection; the photos of CelebA are read from GANLAB_DATA."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import pytest

from ganlab.data.decoding import decode
from ganlab.data.faces import BATCH, MOST_SIDE, FaceDetector, FoundFaces, batches
from ganlab.data.picture_files import open_pictures


class TestBatches:
    def test_photos_of_one_size_come_in_full_batches_and_in_order(self):
        groups = batches([(218, 178)] * (2 * BATCH + 3))
        assert [len(group) for group in groups] == [BATCH, BATCH, 3]
        assert list(chain(*groups)) == list(range(2 * BATCH + 3))

    def test_only_photos_of_one_size_come_together(self):
        assert batches([(300, 200), (10, 10), (300, 200), (10, 11)]) == [[0, 2], [1], [3]]

    def test_every_photo_comes_once_and_no_batch_is_too_large_to_hold(self):
        rng = np.random.default_rng(0)
        shapes = [(int(h), int(w)) for h, w in rng.choice([1, 100, 256, 300, MOST_SIDE], (500, 2))]
        groups = batches(shapes)
        assert sorted(chain(*groups)) == list(range(500))
        for group in groups:
            height, width = np.max([shapes[index] for index in group], axis=0)
            assert len(group) <= BATCH and len(group) * height * width <= BATCH * 256 * 256

    def test_the_largest_photo_is_still_searched(self):
        assert batches([(MOST_SIDE, MOST_SIDE)]) == [[0]]

    def test_no_photos_are_no_batches(self):
        assert batches([]) == []


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture
def photos(own_data) -> list[np.ndarray]:
    path = own_data / "celeba" / "img_align_celeba.zip"
    if not path.is_file():
        pytest.skip("GANLAB_DATA has no celeba/img_align_celeba.zip")
    pictures = open_pictures(path)
    return [decode(pictures, name, None, 3) for name in pictures.names[:48]]


def test_what_has_no_face_gives_no_box(detector):
    rng = np.random.default_rng(0)
    shapes = [(1, 1), (5, 300), (40, 40), (218, 178), (218, 178)]
    assert detector.detect([rng.integers(0, 256, (*shape, 3), np.uint8) for shape in shapes]) == [None] * 5
    assert detector.detect([]) == []


@pytest.mark.data
@pytest.mark.slow
def test_boxes_of_a_batch_are_those_of_single_calls(detector, photos):
    alone = [detector.detect([photo])[0] for photo in photos]
    together = detector.detect(photos)
    assert sum(box is not None for box in alone) >= 47
    near = [
        (a is None) == (b is None) and (a is None or np.abs(np.subtract(a, b)).max() <= 4)
        for a, b in zip(alone, together, strict=True)
    ]
    assert np.mean(near) >= 0.97


@pytest.mark.data
@pytest.mark.slow
def test_a_face_is_found_where_it_is_among_photos_of_other_sizes_and_without_faces(detector, photos):
    """mtcnn's own batches of several sizes move the boxes."""
    blank = [np.zeros((size, size, 3), np.uint8) for size in (30, 150, 300)]
    mixed = [blank[0], photos[0], blank[1], photos[1][20:], photos[2][:, 10:], blank[2]]
    boxes = detector.detect(mixed)
    assert [box is None for box in boxes] == [True, False, True, False, False, True]
    for index in (1, 3, 4):
        (alone,) = detector.detect([mixed[index]])
        assert np.abs(np.subtract(boxes[index], alone)).max() <= 4


FIRST = (["a.jpg", "b/ä \udcff.jpg"], [(1, 2, 30, 40), "no face"])
SECOND = (["c.jpg"], ["cannot be read as a picture: truncated"])


@pytest.fixture
def path(tmp_path):
    faces = FoundFaces(tmp_path / "faces")
    for block in (FIRST, SECOND):
        faces.add(*block)
    return faces.path


def test_blocks_come_back_as_they_were_added(path):
    faces = FoundFaces(path)
    assert faces.get(FIRST[0]) == FIRST[1] and faces.get(SECOND[0]) == SECOND[1]
    assert faces.get([*SECOND[0], *FIRST[0]]) == [*SECOND[1], *FIRST[1]]


def test_photos_that_were_not_all_searched_are_not_known(path):
    assert FoundFaces(path).get(["a.jpg", "d.jpg"]) is None
    assert FoundFaces(path.with_name("none")).get(["a.jpg"]) is None


def test_no_damage_gives_another_face_and_what_is_added_after_it_is_kept(path):
    content = path.read_bytes()
    changed = [content[:end] for end in range(0, len(content), 7)]
    changed += [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in range(len(content) - 1)]
    for damaged in changed:
        path.write_bytes(damaged)
        for names, found in (FIRST, SECOND):
            assert FoundFaces(path).get(names) in (None, found)
        FoundFaces(path).add(["d.jpg"], ["no face"])
        assert FoundFaces(path).get(["d.jpg"]) == ["no face"]


def test_processes_that_add_at_once_lose_nothing(tmp_path):
    def add(first):
        faces = FoundFaces(tmp_path / "faces")
        for number in range(first, first + 100):
            faces.add([f"{number}.jpg"], ["no face"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, (0, 100, 200, 300)))
    assert FoundFaces(tmp_path / "faces").get([f"{number}.jpg" for number in range(400)]) == ["no face"] * 400
