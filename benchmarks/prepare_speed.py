"""Photos a second through face detection: `ganlab prepare`'s batches against a loop of single calls of mtcnn, interleaved.

    python benchmarks/prepare_speed.py img_align_celeba.zip --photos 500

Both search the same decoded photos. Blocks of photos alternate between the two, so that a busy moment of the machine hits
both; the medians over blocks are compared. Then the boxes are: how many agree within 4 pixels, and which do not.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from ganlab.data.decoding import decode
from ganlab.data.faces import BATCH, FaceDetector
from ganlab.data.picture_files import open_pictures

_TOLERANCE = 4  # pixels, of each of x, y, width and height
_BLOCK = 2 * BATCH


class SingleCalls:
    """What the loop of the thesis' code does: uint8 in, the first face out."""

    def __init__(self):
        from mtcnn import MTCNN

        self._network = MTCNN()

    def detect(self, photos: list[np.ndarray]) -> list:
        found = [self._network.detect_faces(photo) for photo in photos]
        return [tuple(int(value) for value in faces[0]["box"]) if faces else None for faces in found]


def agree(one, other) -> bool:
    if one is None or other is None:
        return one is other
    return np.abs(np.subtract(one, other)).max() <= _TOLERANCE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--photos", type=int, default=500)
    arguments = parser.parse_args()
    pictures = open_pictures(arguments.source)
    names = pictures.names[: arguments.photos]
    sides = {"batches": FaceDetector().detect}  # first: it chooses Keras' backend
    sides["single"] = SingleCalls().detect
    warm = [decode(pictures, name, None, 3) for name in names[:BATCH]]
    sides["single"](warm[:3])
    sides["batches"](warm)
    speeds: dict[str, list[float]] = {side: [] for side in sides}
    boxes: dict[str, list] = {side: [] for side in sides}
    for start in range(0, len(names), _BLOCK):
        photos = [decode(pictures, name, None, 3) for name in names[start : start + _BLOCK]]
        for side, detect in sides.items():
            began = time.perf_counter()
            boxes[side] += detect(photos)
            speeds[side].append(len(photos) / (time.perf_counter() - began))
    ratio = statistics.median(b / s for s, b in zip(speeds["single"], speeds["batches"], strict=True))
    for side, values in speeds.items():
        print(f"{side:8} {statistics.median(values):6.1f} photos/s (median of {len(values)} blocks of {_BLOCK})")
    print(f"ratio    {ratio:6.1f} (median of the blocks' ratios)")
    rows = list(zip(names, boxes["single"], boxes["batches"], strict=True))
    other = [row for row in rows if not agree(*row[1:])]
    print(f"boxes within {_TOLERANCE} pixels: {len(rows) - len(other)} of {len(rows)}")
    for name, one, two in other:
        print(f"  {name}: single {one}, in a batch {two}")


if __name__ == "__main__":
    main()
