"""From the photos of a block to its shard: decoded by several threads, searched for faces in batches, cut and resized."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganlab.data.crops import FACE_CROPS, Box, area_of, cut, fit, scaled
from ganlab.data.decoding import Pictures, decode, for_each, refusing_bombs
from ganlab.data.shards import Photo, Shard
from ganlab.errors import GanlabError

NO_FACE = "no face"


@dataclass
class _Piece:
    """A photo on its way.

    Attributes:
        pixels: the photo, reduced to what the detector needs; at last the image. None for an unreadable one.
        size: (width, height) of the photo itself.
        box: the part that becomes the image.
        reason: why there will be none.
    """

    pixels: np.ndarray | None = None
    size: tuple[int, int] = (0, 0)
    box: Box | None = None
    reason: str | None = None


class Cutter:
    """Makes shards, and decodes the next block of photos while a block is searched for faces.

    A context manager: its end waits for what is being decoded ahead.
    """

    def __init__(self, pictures: Pictures, crop: str, size: int):
        self.pictures, self.crop, self.size = pictures, crop, size
        self._pool = ThreadPoolExecutor(1)
        self._ahead: tuple[Sequence[str], Future] | None = None

    @cached_property
    def _detector(self):
        from ganlab.data.faces import FaceDetector  # ten seconds, when the first face is looked for

        return FaceDetector()

    def shard(self, names: list[str], upcoming: list[str]) -> Shard:
        """What becomes of these photos.

        Args:
            names: in the pictures.
            upcoming: those of the next call, if there will be one.
        """
        ahead, self._ahead = self._ahead, None
        waiting = ahead[1] if ahead and ahead[0] == names else self._pool.submit(self._open, names)
        if upcoming:
            self._ahead = upcoming, self._pool.submit(self._open, upcoming)
        pieces = waiting.result()
        if self.crop in FACE_CROPS:
            self._cut_faces(names, pieces)
        photos = [Photo(name, piece.box, piece.reason) for name, piece in zip(names, pieces, strict=True)]
        images = [piece.pixels for piece in pieces if piece.reason is None]
        return Shard(photos, np.stack(images) if images else np.empty((0, self.size, self.size, 3), np.uint8))

    def __enter__(self) -> "Cutter":
        self._refusal = refusing_bombs()
        self._refusal.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._refusal.__exit__(*error)

    def _open(self, names: Sequence[str]) -> list[_Piece]:
        pieces = [_Piece() for _ in names]

        def place(index: int) -> None:
            pieces[index] = self._piece(names[index])

        for_each(place, range(len(names)))
        return pieces

    def _piece(self, name: str) -> _Piece:
        try:
            photo = decode(self.pictures, name, None, channels=3)
        except GanlabError as error:
            return _Piece(reason=str(error).removeprefix(f"{self.pictures.shown(name)}: ").rstrip("."))
        height, width = photo.shape[:2]
        if self.crop in FACE_CROPS:
            from ganlab.data.faces import MOST_SIDE

            return _Piece(fit(photo, MOST_SIDE), (width, height))
        area = area_of(self.crop, width, height)
        return _Piece(cut(photo, area, self.size), (width, height), area)

    def _cut_faces(self, names: Sequence[str], pieces: list[_Piece]) -> None:
        readable = [index for index, piece in enumerate(pieces) if piece.reason is None]
        faces = dict(zip(readable, self._detector.detect([pieces[i].pixels for i in readable]), strict=True))

        def finish(index: int) -> None:
            piece, face = pieces[index], faces[index]
            if face is None:
                piece.reason = NO_FACE
                return
            photo, (width, height) = piece.pixels, piece.size
            if photo.shape[1] != width:  # the detector saw it reduced, the image is cut from all its pixels
                face = scaled(face, width / photo.shape[1], width, height)
                photo = decode(self.pictures, names[index], None, channels=3)
            piece.box = area_of(self.crop, width, height, face)
            piece.pixels = cut(photo, piece.box, self.size)

        for_each(finish, readable)
