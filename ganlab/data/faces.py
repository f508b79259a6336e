"""Finds faces in photos with MTCNN (Zhang et al. 2016, arXiv 1604.02878), and remembers them for the next command.

Only this module knows the mtcnn package. mtcnn 1.0 works on TensorFlow alone and expects RGB values from 0 to 255. It spends
most of its time starting small operations: a batch costs little more than one photo. mtcnn turns uint8 into float64; float32
gives the same values in half the memory, for (v - 127.5) / 128 is exact in both.
"""

import contextlib
import functools
import json
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ganlab.backends.select import select_backend
from ganlab.data.crops import Box, Found, decode_or_reason, fit, scaled
from ganlab.data.decoding import in_parallel
from ganlab.data.picture_files import Pictures
from ganlab.storage.cache import one_at_a_time
from ganlab.storage.writing import append_text

BATCH = 32
MOST_SIDE = 512  # pixels; larger photos are reduced before the search
NO_FACE = "no face"
_PATCHES = 256
_MOST_PIXELS = BATCH * 256 * 256  # of a batch: the first network's features take about 200 bytes each


def find_faces(pictures: Pictures, names: Sequence[str]) -> list[Found]:
    """The most certain face of each photo, in the photo's own pixels, or the reason why there is none."""

    def read(name: str) -> tuple[np.ndarray, tuple[int, int]] | str:
        photo = decode_or_reason(pictures, name)
        return photo if isinstance(photo, str) else (fit(photo, MOST_SIDE), photo.shape[1::-1])

    photos = in_parallel(read, names)
    faces = iter(face_detector().detect([photo[0] for photo in photos if not isinstance(photo, str)]))
    found: list[Found] = []
    for photo in photos:
        face = photo if isinstance(photo, str) else next(faces) or NO_FACE
        if not isinstance(face, str):
            reduced, size = photo
            face = scaled(face, size[0] / reduced.shape[1], *size)
        found.append(face)
    return found


class FoundFaces:
    """A file of the faces found so far: for each block of photos a line with a checksum, the names and the faces.

    Args:
        path: the file. Photos on a damaged line are searched again.
    """

    def __init__(self, path: Path):
        self.path = path
        self._known: dict[str, Found] = {}
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        for checksum, _, text in (line.partition(" ") for line in lines):
            if checksum == _checksum(text):
                for name, face in zip(*json.loads(text), strict=True):
                    self._known[name] = face if isinstance(face, str) else tuple(face)

    def get(self, names: Sequence[str]) -> list[Found] | None:
        """The faces of these photos, or None if some photo was not searched."""
        return [self._known[name] for name in names] if self._known.keys() >= set(names) else None

    def add(self, names: Sequence[str], found: Sequence[Found]) -> None:
        """Appends a block. Processes that prepare other sizes append to the same file."""
        text = json.dumps([names, found])
        with one_at_a_time(self.path):
            append_text(self.path, f"{_checksum(text)} {text}\n")


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


class FaceDetector:
    """MTCNN on the CPU, so that the boxes do not depend on the device that trains.

    Raises: GanlabError if Keras already runs on another backend in this process.
    """

    def __init__(self) -> None:
        select_backend("tensorflow")
        os.environ.pop("TF_USE_LEGACY_KERAS", None)  # with it, mtcnn's tf.keras would be another package
        import tensorflow
        from mtcnn import MTCNN

        # TensorFlow reserves the memory of every visible GPU, and others may be training there.
        with contextlib.suppress(RuntimeError):  # too late: this process uses them already
            tensorflow.config.set_visible_devices([], "GPU")
        self._network = MTCNN(device="CPU:0")
        for stage, size in zip(self._network.stages, (None, 24, 48), strict=True):
            stage._model = _compiled(stage.model, size)

    def detect(self, photos: Sequence[np.ndarray]) -> list[Box | None]:
        """The most certain face of each photo, within it, or None.

        Args:
            photos: uint8 RGB `(H, W, 3)`, of any sizes up to `MOST_SIDE`.
        """
        boxes: list[Box | None] = [None] * len(photos)
        for batch in batches([photo.shape[:2] for photo in photos]):
            for index, faces in zip(batch, self._detect([photos[index] for index in batch]), strict=True):
                boxes[index] = faces[0] if faces else None
        return boxes

    def _detect(self, photos: list[np.ndarray]) -> list[list[Box]]:
        found = self._network.detect_faces([photo.astype(np.float32) for photo in photos])
        return [_within(faces, photo.shape) for faces, photo in zip(found, photos, strict=True)]


@functools.cache
def face_detector() -> FaceDetector:
    """The detector of this process, built for the first search: that takes ten seconds."""
    return FaceDetector()


def _compiled(model: Callable, size: int | None) -> Callable:
    """One of mtcnn's networks with the same outputs in less time and memory.

    The network runs as one graph instead of operation by operation, and on `_PATCHES` patches at a time: the first network
    proposes about a thousand patches a batch, and mtcnn would put all of them through the next network at once.

    Args:
        model: the network.
        size: height and width of its input; None for any.
    """
    import tensorflow

    graph = tensorflow.function(
        lambda patches: model(patches),
        input_signature=[tensorflow.TensorSpec((None, size, size, 3), tensorflow.float32)],
    )

    def run(patches: tensorflow.Tensor) -> list[tensorflow.Tensor]:
        starts = range(0, max(len(patches), 1), _PATCHES)
        parts = [graph(patches[start : start + _PATCHES]) for start in starts]
        return [tensorflow.concat(outputs, axis=0) for outputs in zip(*parts, strict=True)]

    return run


def batches(shapes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Indices of photos to search together: of one size, at most `BATCH`, and of a bounded number of pixels.

    Photos of several sizes would be padded to the largest. That moves boxes by a tenth of a face, because MTCNN rounds the
    size of each level of its pyramid, and mtcnn 1.0 mixes up the offsets of a padded batch in which a photo has no face.

    Args:
        shapes: (height, width) of each photo.
    """
    by_shape: dict[tuple[int, int], list[int]] = {}
    for index, shape in enumerate(shapes):
        by_shape.setdefault(shape, []).append(index)
    groups = []
    for (height, width), indices in by_shape.items():
        most = max(1, min(BATCH, _MOST_PIXELS // (height * width)))
        groups += [indices[start : start + most] for start in range(0, len(indices), most)]
    return groups


def _within(faces: list[dict], shape: tuple[int, ...]) -> list[Box]:
    """mtcnn's boxes, the most certain first, cut off at the photo's border, without boxes outside of the photo."""
    boxes = []
    for face in sorted(faces, key=lambda face: -face["confidence"]):
        x, y, width, height = (int(value) for value in face["box"])
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, shape[1]), min(y + height, shape[0])
        if right > left and bottom > top:
            boxes.append((left, top, right - left, bottom - top))
    return boxes
