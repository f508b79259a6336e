"""Finds the face in a photo with MTCNN (Zhang et al. 2016, arXiv 1604.02878): the one place that knows the mtcnn package.

mtcnn 1.0 works on TensorFlow alone, expects RGB values from 0 to 255, and spends most of its time starting small operations:
a batch costs little more than a photo. It turns uint8 into float64; float32 gives the same values in half the memory,
for (v - 127.5) / 128 is exact in both.
"""

import contextlib
import functools
from collections.abc import Callable, Sequence

import numpy as np

from ganlab.backends.select import select_backend
from ganlab.data.crops import Box

BATCH = 32
MOST_SIDE = 512  # pixels; larger photos are reduced before the search
_PATCHES = 256
_MOST_PIXELS = BATCH * 256 * 256  # of a batch: the first network's features take about 200 bytes each


class FaceDetector:
    """MTCNN on the CPU, so that the boxes are the same wherever the networks will be trained.

    Raises: GanlabError if Keras already runs on another backend in this process.
    """

    def __init__(self):
        select_backend("tensorflow")
        import tensorflow
        from mtcnn import MTCNN

        # TensorFlow reserves the memory of every graphics card it sees, which others may be training on.
        with contextlib.suppress(RuntimeError):  # too late: this process uses them already
            tensorflow.config.set_visible_devices([], "GPU")
        self._network = MTCNN(device="CPU:0")
        for stage, size in zip(self._network.stages, (None, 24, 48), strict=True):
            stage._model = _compiled(stage.model, size)

    def detect(self, photos: Sequence[np.ndarray]) -> list[Box | None]:
        """The most certain face of each photo, within it, or None.

        Args:
            photos: uint8 RGB `(H, W, 3)`, of any sizes, none larger than `MOST_SIDE`.
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
    """The detector of this process, made when the first face is looked for: that takes ten seconds."""
    return FaceDetector()


def _compiled(model: Callable, size: int | None) -> Callable:
    """One of mtcnn's networks with the same outputs in less time and memory.

    It runs as one graph instead of operation by operation, and on `_PATCHES` patches at a time: the first network proposes
    about a thousand a batch, and mtcnn would put all of them through the others at once.

    Args:
        size: height and width of its input; None for any.
    """
    import tensorflow

    graph = tensorflow.function(
        lambda patches: model(patches),
        input_signature=[tensorflow.TensorSpec((None, size, size, 3), tensorflow.float32)],
    )

    def run(patches):
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
    """mtcnn's boxes, the most certain first, cut off at the photo's border; nothing is left of some."""
    boxes = []
    for face in sorted(faces, key=lambda face: -face["confidence"]):
        x, y, width, height = (int(value) for value in face["box"])
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, shape[1]), min(y + height, shape[0])
        if right > left and bottom > top:
            boxes.append((left, top, right - left, bottom - top))
    return boxes
