"""Writes the film of a run as MP4 too, for slides and players, where the extra `video` is installed."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganlab.errors import GanlabError
from ganlab.pictures.images import film_frames, frame_seconds
from ganlab.storage.writing import replacing

_LAST = 10  # times the last frame is shown, as in the GIF


def can_write_video() -> bool:
    """Whether imageio and its ffmpeg are installed."""
    return all(importlib.util.find_spec(name) for name in ("imageio", "imageio_ffmpeg"))


def write_video(path: Path, frames: Sequence[Path | np.ndarray]) -> Path:
    """Writes H.264 that every player shows, completely or not at all; `frames` and their sizes are as in `images.write_film`.

    Raises: GanlabError, if there are no frames, one cannot be read, or ffmpeg fails.
    """
    import imageio.v2 as imageio

    count, pictures = film_frames(path, frames)
    options = {
        "codec": "libx264",
        "macro_block_size": 1,
        "fps": 1 / frame_seconds(count),
        "output_params": ["-threads", "1"],
    }
    with replacing(path) as temporary:
        try:
            with imageio.get_writer(temporary, format="FFMPEG", **options) as writer:
                for number, picture in enumerate(pictures, 1):
                    frame = np.asarray(picture.convert("RGB"))
                    # H.264 needs even sides.
                    frame = np.pad(frame, [(0, side % 2) for side in frame.shape[:2]] + [(0, 0)], mode="edge")
                    for _ in range(_LAST if number == count else 1):
                        writer.append_data(frame)
        except OSError as error:
            raise GanlabError(f"{path}: ffmpeg: {' '.join(str(error).split())[:300]}") from error
    return path
